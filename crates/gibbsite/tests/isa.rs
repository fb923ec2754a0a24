//! Streams and formula energies give the same bits on every instruction set: this test runs itself once per set.

use std::process::Command;

use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Differentiable, Jet, Parametric, formula::Formula, formula::FormulaOptions};
use gibbsite::kernel::{ChainState, Ensemble, Hmc, Independence, Kernel, Mala, Nuts, Rwm, Slice, Ula, Underdamped};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::simd;

const FORMULAS: [&str; 8] = [
    "a*x^2 + b*x + exp(g)*x^4",
    "(sqrt(x^2+y^2)-2)^2/0.08 + sin(x)*cos(y) + tanh(x*y) + erf(x-y)",
    "-logsumexp(-(x-2)^2, -(x+2)^2/c, -3) + softplus(x) + log(1+x^2)",
    "sum(i, 1..d-1, 100*(x[i+1]-x[i]^2)^2 + (1-x[i])^2)",
    "abs(x)^1.7 + cosh(x) + x/(2+x^2) + tan(0.1*x)",
    "sinh(x)^2 + max(x, y^2) + min(x, y) + 2^y",
    "x^2/(2*exp(y)) + y/2 + y^2/18",
    "x^10/1e4 + x^3 - x^-2",
];

/// FNV-1a over the bits; every NaN counts the same.
fn hash(h: &mut u64, values: &[f64]) {
    for v in values {
        let bits = if v.is_nan() { 0 } else { v.to_bits() };
        *h = (*h ^ bits).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

fn fingerprint() -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325;
    for source in FORMULAS {
        let dim = source.contains("x[").then_some(4);
        let mut f = Formula::with_options(source, &FormulaOptions { dim, ..Default::default() }).unwrap();
        f.set_theta(&vec![0.4; f.n_theta()]);
        let d = dim.unwrap_or(if source.contains('y') { 2 } else { 1 });
        let mut rng = Streams::new(5, Run::Probe);
        let (n, n_theta) = (150, f.n_theta());
        let u = rng.uniforms(Purpose::Init, n, d);
        let x = Points::from_real(Matrix::from_fn(n, d, |i, j| 4.0 * u.col(j)[i] - 2.0));
        let v = Matrix::from_fn(n, d, |i, j| ((i + j) as f64).recip());
        let (mut e, mut grad) = (vec![0.0; n], Matrix::new(n, d));
        f.energy_grad(&x, &mut e, &mut grad);
        hash(&mut h, &e);
        hash(&mut h, grad.as_slice());
        let mut theta = vec![0.0; n_theta];
        f.grad_theta(&x, &v.col(0)[..n], &mut theta);
        hash(&mut h, &theta);
        let (mut d1, mut d2) = (vec![0.0; n], vec![0.0; n]);
        f.jet(&x, &v, &mut e, &mut d1, &mut d2);
        hash(&mut h, &d1);
        hash(&mut h, &d2);
        if d <= 2 && !source.contains("x^3") {
            walk(&mut h, &Rwm::new(0.3), &f, &x);
            walk(&mut h, &Ula::new(1e-3), &f, &x);
            walk(&mut h, &Mala::new(0.05), &f, &x);
            walk(&mut h, &Hmc::new(0.1, 4), &f, &x);
            walk(&mut h, &Nuts::new(0.1), &f, &x);
            walk(&mut h, &Underdamped::new(0.1, 4, 1.0), &f, &x);
            walk(&mut h, &Underdamped::unadjusted(0.01, 4, 1.0), &f, &x);
            walk(&mut h, &Slice::new(0.5), &f, &x);
            walk(&mut h, &Ensemble::new(10), &f, &x);
            let covariance = Matrix::from_fn(d, d, |i, j| if i == j { 1.5 } else { 0.4 });
            walk(&mut h, &Independence::new(Gaussian::new(vec![0.1; d], &covariance).unwrap()), &f, &x);
        }
    }
    h
}

fn walk<K: Kernel<Formula>>(h: &mut u64, kernel: &K, f: &Formula, x: &Points) {
    let mut rng = Streams::new(9, Run::Draws);
    let mut state = kernel.init(f, x.clone());
    kernel.steps(f, &mut state, &mut rng, 20);
    hash(h, state.x().real.as_slice());
    hash(h, state.energy());
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    if std::env::var_os("GIBBSITE_FINGERPRINT").is_some() {
        println!("fingerprint {:016x}", fingerprint());
        return;
    }
    let mut found = Vec::new();
    for isa in ["scalar", "avx2", "avx512"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "every_instruction_set_gives_the_same_bits", "--nocapture"])
            .env("GIBBSITE_ISA", isa)
            .env("GIBBSITE_FINGERPRINT", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let print =
            text.split("fingerprint ").nth(1).unwrap_or_else(|| panic!("{isa}: {text}")).split_whitespace().next();
        found.push((isa, print.unwrap_or_default().to_string()));
    }
    println!("widest here: {:?}", simd::widest());
    assert!(found.iter().all(|(_, print)| *print == found[0].1), "{found:?}");
}
