//! Are the standard errors of a fit right? Against the spread of the fits of 100 simulated data sets.

use gibbsite::energy::formula::Formula;
use gibbsite::kernel::grid::Grid;
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::train::{Control, Fit, ObjectiveKind, TrainOptions, fit};

const N_SETS: usize = 100;
const N: usize = 5000;
/// The maximum-likelihood parameters a, b, g of the mixture itself, from E x^2 = 4.25 and E x^4 = 22.1875.
const MIXTURE: [f64; 3] = [-1.263_613_54, 0.0, -2.022_760_8];

fn quartic(theta: [f64; 3]) -> Formula {
    let mut f = Formula::parse("a*x^2+b*x+exp(g)*x^4").unwrap();
    for (name, value) in ["a", "b", "g"].into_iter().zip(theta) {
        f.set_param(name, value).unwrap();
    }
    f
}

fn mixture(seed: u64) -> Points {
    let mut rng = Streams::new(seed, Run::Data);
    let u = rng.uniforms(Purpose::Choice, N, 1).col(0).to_vec();
    let xi = rng.normals(Purpose::Init, N, 1);
    let side = |i: usize| if u[i] < 0.5 { -2.0 } else { 2.0 };
    Points::from_real(Matrix::from_fn(N, 1, |i, _| side(i) + 0.5 * f64::from(xi.col(0)[i])))
}

fn fits(objective: ObjectiveKind, data: impl Fn(u64) -> Points) -> Vec<Fit> {
    let options = TrainOptions { objective, ..TrainOptions::default() };
    let one = |seed| fit(&mut quartic([0.05, 0.0, -0.5]), &data(seed), &options, &Control::default(), &mut |_| {});
    (1000..1000 + N_SETS as u64).map(|seed| one(seed).unwrap()).collect()
}

/// How far the spread of the fits is from their claimed errors, in sampling errors, and how many 95 % intervals hold the
/// truth; both for every parameter.
fn judge(fits: &[Fit], claimed: impl Fn(&Fit) -> &[f64], truth: [f64; 3]) -> [(f64, usize, f64); 3] {
    let n = fits.len() as f64;
    std::array::from_fn(|k| {
        let mean = fits.iter().map(|f| f.theta[k]).sum::<f64>() / n;
        // Chi-square with n - 1 degrees of freedom, whose standard deviation is sqrt(2 (n - 1)).
        let chi2: f64 = fits.iter().map(|f| ((f.theta[k] - mean) / claimed(f)[k]).powi(2)).sum();
        let spread = (fits.iter().map(|f| (f.theta[k] - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let average = fits.iter().map(|f| claimed(f)[k]).sum::<f64>() / n;
        let covered = fits.iter().filter(|f| (f.theta[k] - truth[k]).abs() < 1.96 * claimed(f)[k]).count();
        let bias = (mean - truth[k]) / (spread / n.sqrt());
        let z = (chi2 - (n - 1.0)) / (2.0 * (n - 1.0)).sqrt();
        let name = ["a", "b", "g"][k];
        println!(
            "{name}: spread {spread:.5}, claimed {average:.5}, chi2 {z:+.2} sigma, {covered}/{n} covered, mean off {bias:+.2}"
        );
        (z, covered, bias)
    })
}

fn assert_right(verdicts: [(f64, usize, f64); 3]) {
    for (z, covered, bias) in verdicts {
        assert!(z.abs() < 4.0, "the spread is {z} sampling errors from the claimed error");
        assert!((87..=100).contains(&covered), "{covered} of 100 intervals of 95 % hold the truth");
        assert!(bias.abs() < 4.0, "the mean of the fits is {bias} standard errors from the truth");
    }
}

#[test]
fn theta_std_err_is_right_for_data_of_the_model() {
    let truth = quartic(MIXTURE);
    let grid = Grid::new(&truth).unwrap();
    let fits = fits(ObjectiveKind::Mle, |seed| grid.sample(N, seed).unwrap());
    assert_right(judge(&fits, |f| &f.theta_std_err, MIXTURE));
    println!("robust:");
    assert_right(judge(&fits, |f| f.theta_std_err_robust.as_deref().unwrap(), MIXTURE));
    // Errors too small by a half must fail.
    let halves: Vec<Fit> = fits
        .into_iter()
        .map(|f| Fit { theta_std_err: f.theta_std_err.iter().map(|s| 0.5 * s).collect(), ..f })
        .collect();
    println!("halved:");
    let halved = judge(&halves, |f| &f.theta_std_err, MIXTURE);
    assert!(halved.iter().all(|(z, covered, _)| *z > 4.0 && *covered < 87), "{halved:?}");
}

#[test]
fn theta_std_err_robust_is_right_for_data_of_the_mixture() {
    let fits = fits(ObjectiveKind::Mle, mixture);
    assert_right(judge(&fits, |f| f.theta_std_err_robust.as_deref().unwrap(), MIXTURE));
    println!("from the Fisher information, which holds only if the model is right:");
    judge(&fits, |f| &f.theta_std_err, MIXTURE);
}

#[test]
fn score_matching_errors_are_right() {
    let truth = quartic(MIXTURE);
    let grid = Grid::new(&truth).unwrap();
    let fits = fits(ObjectiveKind::Ism, |seed| grid.sample(N, seed).unwrap());
    assert_right(judge(&fits, |f| &f.theta_std_err, MIXTURE));
}
