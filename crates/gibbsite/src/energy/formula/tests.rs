use super::*;

/// Formulas that together use every operation.
const ZOO: [(&str, usize); 22] = [
    ("0.5*x^2 + 0.1*x^4", 1),
    ("a*x^2 + b*x + exp(g)*x^4", 1),
    ("x^2*y^2 + x^2 + y^2", 2),
    ("100*(y-x^2)^2 + (1-x)^2", 2),
    ("(sqrt(x^2+y^2)-2)^2/(2*0.2^2)", 2),
    ("-logsumexp(-(x-2)^2, -(x+2)^2/c, -3)", 1),
    ("sum(i, 1..d-1, 100*(x[i+1]-x[i]^2)^2 + (1-x[i])^2)", 5),
    ("min(x, y^2) + max(x*y, 0.3) + abs(x - y)", 2),
    ("sin(x)*cos(y) + tan(0.3*x) + tanh(y)", 2),
    ("sinh(x) + cosh(y) + erf(x*y)", 2),
    ("softplus(a*x) + log(1 + x^2) + log(3 + y^2)", 2),
    ("x^2.5*exp(-x) + pow(x, a) + 2^x + x^x", 1),
    ("x/(1+y^2) + 3/(2+x^2) + x/3", 2),
    ("x^10 - x^-2 + x^11 + x^3", 1),
    ("x*y*z + x*(y+z) - (x-y)*(y-z)*(z-x)", 3),
    ("a*b*x + (a+b)*x^2 + a*x*b*x", 1),
    ("exp(x) + 2*exp(x)^2 + y*exp(x)", 2),
    ("x + x + x - 2*x + y - y + 1", 2),
    ("sum(i, 1..d, sum(j, i..d, i*j*x[i]*x[j]))", 4),
    ("x^2/(2*exp(y)) + y/2 + y^2/18", 2),
    ("7", 1),
    ("log1p(x^2) + sqrt(abs(x)) + x^2^0.5", 1),
];

fn points(n: usize, dim: usize) -> Points {
    // A Weyl sequence in (0.2, 1.7), away from kinks and undefined values.
    Points::from_real(Matrix::from_fn(n, dim, |i, j| {
        0.2 + 1.5 * ((i as f64 + 1.0) * 0.618_033_988_7 + (j as f64) * 0.414_213_56).fract()
    }))
}

fn formula(source: &str, dim: usize) -> Option<Formula> {
    let options = FormulaOptions { dim: source.contains("x[").then_some(dim), ..Default::default() };
    let mut f = Formula::with_options(source, &options).ok()?;
    let theta: Vec<f64> = (0..f.n_theta()).map(|k| 0.7 + 0.4 * k as f64).collect();
    f.set_theta(&theta);
    Some(f)
}

fn zoo() -> impl Iterator<Item = (&'static str, Formula)> {
    ZOO.into_iter().filter_map(|(s, d)| formula(s, d).map(|f| (s, f)))
}

fn close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs())), "{what}: {a} against {b}");
}

fn value(f: &Formula, x: &Points) -> Vec<f64> {
    let mut e = vec![0.0; x.n()];
    f.energy(x, &mut e);
    e
}

#[test]
fn values() {
    let at = |source: &str, x: &[f64]| value(&formula(source, x.len()).unwrap(), &Points::from_rows(&[x]))[0];
    close(at("0.5*x^2 + 0.1*x^4", &[2.0]), 3.6, 1e-15, "quartic");
    close(at("-x^2", &[3.0]), -9.0, 0.0, "-x^2 is -(x^2)");
    close(at("2^3^2*x", &[1.0]), 512.0, 0.0, "powers associate to the right");
    close(at("x-2-3", &[1.0]), -4.0, 0.0, "differences associate to the left");
    close(at("x/2/2", &[1.0]), 0.25, 0.0, "quotients associate to the left");
    close(at("2^-x", &[2.0]), 0.25, 1e-15, "signed exponents");
    close(at("x*pi/e + 1e-3", &[1.0]), std::f64::consts::PI / std::f64::consts::E + 1e-3, 1e-15, "constants");
    close(at("sum(i, 1..d, i*x[i]^2)", &[1.0, 2.0, 3.0]), 1.0 + 8.0 + 27.0, 1e-15, "sum");
    close(at("sum(i, 2..1, x[i]) + x[1]", &[5.0]), 5.0, 0.0, "an empty sum is 0");
    close(at("-logsumexp(-1000*x, -1001*x)", &[1.0]), 1000.0 - (1.0 + (-1f64).exp()).ln(), 1e-15, "logsumexp");
    close(at("(x-1000)^2", &[1000.5]), 0.25, 0.0, "squares are not multiplied out");
    close(at("x2^2", &[3.0]), 9.0, 0.0, "one variable of any name is one dimension");
    close(at("max(x,y) - min(x,y)", &[1.5, 4.0]), 2.5, 0.0, "min and max");
}

#[test]
fn rows_do_not_depend_on_the_batch() {
    for (source, f) in zoo() {
        for n in [1, 63, 64, 65, 200] {
            let x = points(n, f.space().dim());
            let mut e = vec![0.0; n];
            let mut grad = Matrix::new(n, x.dim());
            f.energy_grad(&x, &mut e, &mut grad);
            assert_eq!(e, value(&f, &x), "{source}");
            let mut alone = Matrix::new(n, x.dim());
            f.grad(&x, &mut alone);
            assert_eq!(alone, grad, "{source}");
            for i in [0, n / 2, n - 1] {
                let one = x.rows(i, 1);
                let mut e1 = [0.0];
                let mut grad1 = Matrix::new(1, x.dim());
                f.energy_grad(&one, &mut e1, &mut grad1);
                assert_eq!(e1[0].to_bits(), e[i].to_bits(), "{source}");
                assert_eq!(grad1.row(0), grad.row(i), "{source}");
            }
        }
    }
}

#[test]
fn gradients_match_differences() {
    let h = 1e-5;
    for (source, mut f) in zoo() {
        let (n, d) = (70, f.space().dim());
        let x = points(n, d);
        let mut e = vec![0.0; n];
        let mut grad = Matrix::new(n, d);
        f.energy_grad(&x, &mut e, &mut grad);
        for j in 0..d {
            let shifted = |s: f64| {
                let mut y = x.clone();
                y.real.col_mut(j).iter_mut().for_each(|v| *v += s * h);
                value(&f, &y)
            };
            let (up, down) = (shifted(1.0), shifted(-1.0));
            for i in 0..n {
                close(grad.get(i, j), (up[i] - down[i]) / (2.0 * h), 2e-7, source);
            }
        }
        let n_theta = f.n_theta();
        let mut theta = vec![0.0; n_theta];
        f.read_theta(&mut theta);
        let mut features = Matrix::new(n, n_theta);
        f.theta_features(&x, &mut features);
        let w: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let mut total = vec![1.0; n_theta];
        f.grad_theta(&x, &w, &mut total);
        for k in 0..n_theta {
            let mut shifted = |s: f64| {
                let mut t = theta.clone();
                t[k] += s * h;
                f.set_theta(&t);
                value(&f, &x)
            };
            let (up, down) = (shifted(1.0), shifted(-1.0));
            let mut sum = 1.0;
            for i in 0..n {
                close(features.get(i, k), (up[i] - down[i]) / (2.0 * h), 2e-7, source);
                sum += w[i] * features.get(i, k);
            }
            close(total[k], sum, 1e-12, source);
        }
    }
}

#[test]
fn jets_match_differences() {
    let h = 1e-4;
    for (source, mut f) in zoo() {
        let (n, d) = (40, f.space().dim());
        let x = points(n, d);
        let v = Matrix::from_fn(n, d, |i, j| 1.0 - 0.3 * j as f64 + 0.1 * (i % 7) as f64);
        let jet = |f: &Formula| {
            let (mut e, mut d1, mut d2) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
            f.jet(&x, &v, &mut e, &mut d1, &mut d2);
            [e, d1, d2]
        };
        let [e, d1, d2] = jet(&f);
        assert_eq!(e, value(&f, &x), "{source}");
        let along = |s: f64| {
            let mut y = x.clone();
            for j in 0..d {
                y.real.col_mut(j).iter_mut().zip(v.col(j)).for_each(|(x, v)| *x += s * h * v);
            }
            let mut e = vec![0.0; n];
            let mut g = Matrix::new(n, d);
            f.energy_grad(&y, &mut e, &mut g);
            (0..n).map(|i| (0..d).map(|j| g.get(i, j) * v.get(i, j)).sum::<f64>()).collect::<Vec<_>>()
        };
        let (here, up, down) = (along(0.0), along(1.0), along(-1.0));
        // |x - y|, min and max have kinks where second differences mean nothing.
        let smooth = !source.contains("min");
        for i in 0..n {
            close(d1[i], here[i], 1e-12, source);
            if smooth {
                close(d2[i], (up[i] - down[i]) / (2.0 * h), 1e-5, source);
            }
        }
        let n_theta = f.n_theta();
        let w: Vec<Vec<f64>> = (0..3).map(|o| (0..n).map(|i| ((i + o) as f64).cos()).collect()).collect();
        let mut total = vec![0.0; n_theta];
        f.grad_theta_jet(&x, &v, [&w[0], &w[1], &w[2]], &mut total);
        let mut theta = vec![0.0; n_theta];
        f.read_theta(&mut theta);
        for k in 0..n_theta {
            let mut shifted = |s: f64| {
                let mut t = theta.clone();
                t[k] += s * h;
                f.set_theta(&t);
                let parts = jet(&f);
                (0..3).map(|o| crate::simd::dot(&w[o], &parts[o])).sum::<f64>()
            };
            let (up, down) = (shifted(1.0), shifted(-1.0));
            close(total[k], (up - down) / (2.0 * h), 1e-6, source);
        }
    }
}

#[test]
fn common_subexpressions_are_shared_and_powers_are_products() {
    let f = Formula::parse("exp(x^2)*y + exp(x*x)*z + (x^2)^2").unwrap();
    let (graph, root) = f.graph();
    let n_exp = graph.schedule(&[root]).iter().filter(|id| matches!(graph.node(**id), graph::Node::Call(..))).count();
    assert_eq!(n_exp, 1);
    let quartic = Formula::parse("a*x^2 + b*x + exp(g)*x^4").unwrap();
    let (graph, root) = quartic.graph();
    assert!(matches!(graph.node(root), graph::Node::Poly(..)), "{:?}", graph.node(root));
}

#[test]
fn bounds_are_the_support() {
    let options = FormulaOptions { bounds: vec![("x".into(), 0.0, f64::INFINITY)], ..Default::default() };
    let f = Formula::with_options("x - log(x)", &options).unwrap();
    assert_eq!(f.space().reals, [Support::Above(0.0)]);
    let e = value(&f, &Points::from_rows(&[[1.0], [-1.0]]));
    assert_eq!(e, [1.0, f64::INFINITY]);
    let unbounded = Formula::parse("x - log(x)").unwrap();
    assert!(value(&unbounded, &Points::from_rows(&[[-1.0]]))[0].is_nan(), "undefined is not outside");
}

#[test]
fn parameters() {
    let mut f = Formula::parse("a*x^2 + beta*x").unwrap();
    assert_eq!(f.unset(), ["a", "beta"]);
    f.set_param("a", 2.0).unwrap();
    assert_eq!(f.unset(), ["beta"]);
    let error = f.set_param("bata", 1.0).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean `beta`?"));
    assert_eq!(f.set_param("z", 1.0).unwrap_err().hint(), None);
    assert!(f.set_param("e", 0.0).unwrap_err().hint().unwrap().contains("constant 2.718"));
    let version = f.version();
    f.set_theta(&[1.0, 1.0]);
    assert_ne!(f.version(), version);
    assert!(f.unset().is_empty());
}

#[test]
fn open_dimensions_are_told() {
    for (source, open) in [
        ("sum(i,1..d,a*x[i]^2)", true),
        ("sum(i,1..3,x[i]^2)", true),
        ("x[1]^2 + x[d]^2", true),
        ("x[1]^2 + x[3]^2", false),
        ("d*x^2", false),
        ("x^2 + y^2", false),
        ("x1 + x2", false),
    ] {
        assert_eq!(Formula::has_open_dim(source), Ok(open), "{source}");
    }
    assert!(Formula::has_open_dim("x^").is_err());
}

/// Every message, with its caret.
#[test]
fn errors_point_at_the_fault() {
    let cases = [
        ("x^2 +", "expected a number, a variable or `(`, found the end of the formula", 5, None),
        ("2x", "expected an operator or the end of the formula, found `x`", 1, Some("multiplication")),
        ("x**2", "`**` is not an operator", 1, Some("x^2")),
        ("sqr(x)", "there is no function `sqr`", 0, Some("did you mean `sqrt`?")),
        ("cosine(x)", "there is no function `cosine`", 0, Some("functions:")),
        ("(x + 1", "expected `)`, found the end of the formula", 6, None),
        ("x $ 2", "`$` has no meaning in a formula", 2, None),
        ("|x|", "`|` has no meaning in a formula", 0, Some("abs(x)")),
        ("x1 + x3", "there is no x2 in the formula, but there are coordinates beyond it", 5, Some("gaps")),
        ("x + x2", "`x` and `x2` cannot both be variables", 0, None),
        ("sum(i, 1..d, x[i]^2)", "the number of dimensions is not known", 10, Some("--dim")),
        ("a*b", "the formula has no variable", 0, Some("variables are")),
        ("exp(x, 2)", "`exp` takes one argument, 2 are given", 0, None),
        ("y[1]", "`y` cannot be indexed", 0, None),
        ("sum(i, 1..2.5, x[1])", "an index must be an integer, this is 2.5", 10, None),
        ("", "expected a number, a variable or `(`, found the end of the formula", 0, None),
        ("x²", "`²` has no meaning in a formula", 1, Some("write x^2")),
        ("2*x1³", "`³` has no meaning in a formula", 4, Some("write x1^3")),
        ("a₁*x", "`₁` has no meaning in a formula", 1, Some("write a1")),
        ("2×x", "`×` has no meaning in a formula", 1, Some("multiplication is *")),
        ("2·x", "`·` has no meaning in a formula", 1, Some("multiplication is *")),
        ("x − 1", "`−` has no meaning in a formula", 2, Some("minus sign -")),
        ("π*x", "`π` is not a name here", 0, Some("write pi")),
        ("foo(x)", "there is no function `foo`", 0, Some("functions:")),
        ("x + 1e999", "`1e999` is too large for a number", 4, None),
    ];
    for (source, message, column, hint) in cases {
        let error = Formula::parse(source).unwrap_err();
        assert_eq!(error.to_string(), message, "{source}");
        let snippet = error.snippet().unwrap();
        let caret = snippet.lines().nth(1).unwrap();
        assert_eq!(caret.find('^'), Some(column), "{source}\n{snippet}");
        if let Some(part) = hint {
            assert!(error.hint().unwrap_or_default().contains(part), "{source}: {:?}", error.hint());
        }
    }
    let three = FormulaOptions { dim: Some(3), ..Default::default() };
    assert_eq!(Formula::with_options("x*y", &three).unwrap_err(), FormulaError::Dimension { found: 2, asked: 3 });
    assert!(Formula::with_options("x[4]", &three).unwrap_err().to_string().contains("from 1 to 3"));
}

#[test]
fn limits() {
    assert!(matches!(Formula::parse(&"(".repeat(5000)), Err(FormulaError::TooLarge { .. })));
    assert!(matches!(Formula::parse(&"-".repeat(5000)), Err(FormulaError::TooLarge { .. })));
    assert!(matches!(Formula::parse(&("x^".repeat(5000) + "2")), Err(FormulaError::TooLarge { .. })));
    assert!(matches!(Formula::parse(&"x+".repeat(60_000)), Err(FormulaError::TooLarge { .. })));
    let long = "x+".repeat(40_000) + "x";
    let f = Formula::parse(&long).unwrap();
    assert_eq!(value(&f, &Points::from_rows(&[[1.0]])), [40_001.0]);
    assert!(matches!(Formula::parse("sum(i, 1..9999999999, x[1])"), Err(FormulaError::TooLarge { .. })));
    assert!(matches!(
        Formula::parse("sum(i, 1..3000, sum(j, 1..3000, sin(i*x[1]+j)))"),
        Err(FormulaError::TooLarge { .. })
    ));
}

/// Whatever the text, parsing returns; pieces of real formulas reach deep into the grammar.
fn never_panics(cases: u32) {
    use proptest::prelude::*;
    const PIECES: [&str; 40] = [
        "x",
        "y",
        "z",
        "x1",
        "x[",
        "]",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        "^",
        ",",
        "..",
        "sum(",
        "i",
        "1",
        "2.5",
        "1e3",
        "d",
        "exp(",
        "log(",
        "min(",
        "logsumexp(",
        "pow(",
        "a",
        "pi",
        "e",
        " ",
        "sum(i,1..d,",
        "x[i]",
        "^2",
        "-1",
        "abs(",
        "é",
        "0",
        "1e308",
        "erf(",
        "**",
    ];
    let config = ProptestConfig { cases, failure_persistence: None, ..Default::default() };
    let text = prop_oneof![
        proptest::collection::vec(0..PIECES.len(), 0..30)
            .prop_map(|v| v.iter().map(|&i| PIECES[i]).collect::<String>()),
        ".{0,60}",
    ];
    proptest!(config, |(source in text, dim in 1usize..4)| {
        for dim in [None, Some(dim)] {
            match Formula::with_options(&source, &FormulaOptions { dim, ..Default::default() }) {
                Ok(f) => {
                    let x = points(3, f.space().dim());
                    let mut e = [0.0; 3];
                    let mut grad = Matrix::new(3, x.dim());
                    f.energy_grad(&x, &mut e, &mut grad);
                }
                Err(error) => {
                    error.snippet();
                    error.hint();
                    error.to_string();
                }
            }
        }
    });
}

#[test]
fn no_text_panics() {
    never_panics(3_000);
}

#[test]
#[ignore = "10^5 cases; a smaller number runs every time"]
fn fuzz_formula() {
    never_panics(100_000);
}
