//! Fitting: every objective against exact optima, standard errors against simulation, and failures that must be reported.

use gibbsite::energy::Parametric;
use gibbsite::energy::formula::Formula;
use gibbsite::logz::{Options, quadrature};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::train::{Control, Fit, ObjectiveKind, OptimizerKind, Sampler, TrainOptions, TrainWarning, fit};

/// `n` points of the equal mixture of N(-2, 0.5^2) and N(2, 0.5^2).
fn mixture(n: usize, seed: u64) -> Points {
    let mut rng = Streams::new(seed, Run::Data);
    let u = rng.uniforms(Purpose::Choice, n, 1).col(0).to_vec();
    let xi = rng.normals(Purpose::Init, n, 1);
    Points::from_real(Matrix::from_fn(n, 1, |i, _| {
        let centre = if u[i] < 0.5 { -2.0 } else { 2.0 };
        centre + 0.5 * f64::from(xi.col(0)[i])
    }))
}

fn quartic() -> Formula {
    let mut f = Formula::parse("a*x^2+b*x+exp(g)*x^4").unwrap();
    f.set_param("a", 0.05).unwrap();
    f.set_param("b", 0.0).unwrap();
    f.set_param("g", -0.5).unwrap();
    f
}

fn options(objective: ObjectiveKind) -> TrainOptions {
    TrainOptions { objective, ..TrainOptions::default() }
}

fn run(energy: &mut Formula, data: &Points, options: &TrainOptions) -> Fit {
    fit(energy, data, options, &Control::default(), &mut |_| {}).unwrap()
}

fn moment(data: &Points, k: i32) -> f64 {
    data.real.col(0).iter().map(|x| x.powi(k)).sum::<f64>() / data.n() as f64
}

#[test]
fn mle_matches_the_moments_of_the_data() {
    let data = mixture(5000, 1);
    let mut energy = quartic();
    let fitted = run(&mut energy, &data, &options(ObjectiveKind::Mle));
    let q = quadrature(&energy, &Options::default()).unwrap();
    for k in [1, 2, 4] {
        let model = q.expect_fn(|x| x[0].powi(k));
        assert!((model - moment(&data, k)).abs() < 1e-8, "moment {k}: {model} against {}", moment(&data, k));
    }
    let mut theta = [0.0; 3];
    energy.read_theta(&mut theta);
    assert_eq!(theta.to_vec(), fitted.theta);
    let se = fitted.theta_std_err[0];
    assert!((0.018..0.03).contains(&se), "{se}");
    assert!(fitted.warnings.is_empty(), "{:?}", fitted.warnings);
    println!("{:?} {:?} {:?} {}", fitted.theta, fitted.theta_std_err, fitted.theta_std_err_robust, fitted.epochs);
}

/// Four points with E x^2 = 4.25 and E x^4 = 22.1875.
fn four_points() -> Points {
    let root = (72.25f64 - 4.0 * 13.9375).sqrt();
    let (u, v) = (((8.5 + root) / 2.0).sqrt(), ((8.5 - root) / 2.0).sqrt());
    Points::from_rows(&[[u], [-u], [v], [-v]])
}

#[test]
fn mle_of_exact_moments() {
    let mut energy = quartic();
    let fitted = run(&mut energy, &four_points(), &options(ObjectiveKind::Mle));
    assert!((fitted.theta_of("a").unwrap() + 1.26361354).abs() < 1e-8, "{:?}", fitted.theta);
    assert!((fitted.theta_of("g").unwrap().exp() - 0.13228975).abs() < 1e-8);
    assert!(fitted.theta_of("b").unwrap().abs() < 1e-9);
}

#[test]
fn pcd_agrees_with_mle() {
    let data = mixture(5000, 1);
    let exact = run(&mut quartic(), &data, &options(ObjectiveKind::Mle));
    for (name, pcd) in [
        ("default", options(ObjectiveKind::Pcd)),
        ("pool", TrainOptions { pool: Some(1024), step_size: Some(0.05), ..options(ObjectiveKind::Pcd) }),
    ] {
        let fitted = run(&mut quartic(), &data, &pcd);
        let mcse = fitted.theta_mcse.clone().unwrap();
        println!("{name}: {:?} {mcse:?} {:?} {:?}", fitted.theta, fitted.warnings, fitted.history.rows.last());
        for k in 0..3 {
            let z = (fitted.theta[k] - exact.theta[k]) / mcse[k];
            assert!(z.abs() < 3.0, "{name} {k}: {z}");
            assert!(mcse[k] < 0.6 * exact.theta_std_err[0], "{mcse:?}");
            let ratio = fitted.theta_std_err[k] / exact.theta_std_err[k];
            assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
        }
    }
}

/// The textbook loop: plain gradient descent stops short, and says so.
fn textbook() -> TrainOptions {
    TrainOptions {
        lr: 0.001,
        optimizer: OptimizerKind::Sgd,
        precondition: false,
        sampler: Sampler::Ula,
        step_size: Some(0.01),
        average: false,
        ..options(ObjectiveKind::Pcd)
    }
}

#[test]
fn an_unfinished_training_says_so() {
    let fitted = run(&mut quartic(), &mixture(5000, 1), &textbook());
    assert!((-1.2..-1.0).contains(&fitted.theta[0]), "{:?}", fitted.theta);
    assert!(
        fitted.warnings.iter().any(|w| matches!(w, TrainWarning::Drift { name, .. } if name == "a")),
        "{:?}",
        fitted.warnings
    );
}

#[test]
#[ignore = "timing: run by hand with --release"]
fn speed_of_the_textbook_loop() {
    let data = mixture(5000, 1);
    for (name, o) in [
        ("textbook", textbook()),
        ("preconditioned", TrainOptions { precondition: true, lr: 0.01, ..textbook() }),
        ("mala", TrainOptions { precondition: true, lr: 0.01, sampler: Sampler::Mala, ..textbook() }),
    ] {
        let mut best = f64::INFINITY;
        for _ in 0..7 {
            let start = std::time::Instant::now();
            run(&mut quartic(), &data, &o);
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{name}: {:.2} ms", 1e3 * best);
    }
    let start = std::time::Instant::now();
    run(&mut quartic(), &data, &options(ObjectiveKind::Mle));
    println!("mle: {:.2} ms", 1e3 * start.elapsed().as_secs_f64());
    let start = std::time::Instant::now();
    run(&mut quartic(), &data, &options(ObjectiveKind::Ism));
    println!("ism: {:.2} ms", 1e3 * start.elapsed().as_secs_f64());
}

/// E = a x^2 + b x + c x^4 is linear in theta, so J is quadratic and its optimum solves a linear system:
/// J = E[(2 a x + b + 4 c x^3)^2 / 2 - (2 a + 12 c x^2)].
#[test]
fn score_matching_reaches_its_exact_optimum() {
    let data = mixture(5000, 2);
    let mut energy = Formula::parse("a*x^2+b*x+c*x^4").unwrap();
    energy.set_theta(&[1.0, 0.0, 1.0]);
    let fitted = run(&mut energy, &data, &options(ObjectiveKind::Ism));
    let m = |k| moment(&data, k);
    // dJ/da, dJ/db, dJ/dc at the fitted parameters, by hand.
    let (a, b, c) = (fitted.theta_of("a").unwrap(), fitted.theta_of("b").unwrap(), fitted.theta_of("c").unwrap());
    let residuals = [
        4.0 * a * m(2) + 2.0 * b * m(1) + 8.0 * c * m(4) - 2.0,
        2.0 * a * m(1) + b + 4.0 * c * m(3),
        8.0 * a * m(4) + 4.0 * b * m(3) + 16.0 * c * m(6) - 12.0 * m(2),
    ];
    for (k, r) in residuals.iter().enumerate() {
        let scale = [m(2), 1.0, m(6)][k];
        assert!(r.abs() < 1e-9 * scale, "{k}: {r}");
    }
    assert!(fitted.theta_std_err.iter().all(|s| *s > 0.0 && *s < 0.2), "{:?}", fitted.theta_std_err);
    assert!(fitted.log_z.is_some());
}

/// Score matching of a Gaussian in 3-D gives the inverse of the second moments; dividing the Laplacian by the dimension
/// would give a third of it.
#[test]
fn score_matching_does_not_divide_by_the_dimension() {
    let mut rng = Streams::new(3, Run::Data);
    let xi = rng.normals(Purpose::Init, 2000, 3);
    let data = Points::from_real(Matrix::from_fn(2000, 3, |i, j| f64::from(xi.col(j)[i]) / (j as f64 + 1.0)));
    let mut energy = Formula::parse("0.5*(p*x^2+q*y^2+r*z^2)").unwrap();
    energy.set_theta(&[1.0, 1.0, 1.0]);
    let fitted = run(&mut energy, &data, &options(ObjectiveKind::Ism));
    for j in 0..3 {
        let second = data.real.col(j).iter().map(|x| x * x).sum::<f64>() / 2000.0;
        assert!((fitted.theta[j] * second - 1.0).abs() < 1e-9, "{j}: {}", fitted.theta[j] * second);
        // Precision is known to about sqrt(2 / n) of itself.
        let relative = fitted.theta_std_err[j] / fitted.theta[j];
        assert!((relative / (2.0f64 / 2000.0).sqrt() - 1.0).abs() < 0.15, "{relative}");
    }
}

/// `theta_std_err` against the spread over 50 simulated data sets: the model is wrong for the mixture, so the robust errors
/// must match; the data of the issue.
#[test]
#[ignore = "50 fits: some seconds"]
fn standard_errors_match_the_spread_over_data_sets() {
    for objective in [ObjectiveKind::Mle, ObjectiveKind::Ism] {
        let fits: Vec<Fit> =
            (0..50).map(|seed| run(&mut quartic(), &mixture(5000, 100 + seed), &options(objective))).collect();
        for k in 0..3 {
            let mean = fits.iter().map(|f| f.theta[k]).sum::<f64>() / 50.0;
            let sd = (fits.iter().map(|f| (f.theta[k] - mean).powi(2)).sum::<f64>() / 49.0).sqrt();
            let robust = fits.iter().filter_map(|f| f.theta_std_err_robust.as_ref()).map(|s| s[k]).sum::<f64>() / 50.0;
            let fisher = fits.iter().map(|f| f.theta_std_err[k]).sum::<f64>() / 50.0;
            println!("{objective:?} {k}: spread {sd:.5}, robust {robust:.5}, reported {fisher:.5}");
            assert!((sd / robust - 1.0).abs() < 0.35, "{objective:?} {k}: {sd} {robust}");
        }
    }
}
