//! Kernels as they are given, without warm-up: the known bias of unadjusted Langevin, metrics, and plain twins, right and broken.

use gibbsite::adapt::WarmedUp;
use gibbsite::energy::Differentiable;
use gibbsite::kernel::{ChainState, Hmc, Info, Kernel, Mala, Metric, Nuts, Rwm, Ula};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{Draws, RunOptions, draw};

use crate::energies::{Quartic, correlated};
use crate::quiet;
use crate::truths::{assert_agrees, truth, truths_of_density, worst, z_scores};
use crate::twins::{Broken, Twin};

/// Draws of a fixed kernel from a common start, without warm-up of the kernel but with discarded steps.
pub fn fixed<E: Differentiable, K: Kernel<E>>(energy: &E, kernel: &K, n_draws: usize) -> Draws {
    let x = Points::from_real(Matrix::from_fn(256, energy.space().dim(), |i, _| (i % 9) as f64 / 4.0 - 1.0));
    let mut state = kernel.init(energy, x);
    let mut rng = Streams::new(3, Run::WarmUp);
    for _ in 0..300 {
        kernel.step(energy, &mut state, &mut rng);
        rng.advance();
    }
    let warm = WarmedUp { kernel: Fixed(kernel), x: state.x().clone(), info: Info::default(), warnings: Vec::new() };
    let options = RunOptions { n_draws, thin: 1, n_warmup: 0, seed: 5, block: 128 };
    draw(energy, warm, &options, 0, &quiet).unwrap().draws
}

/// A kernel by reference.
struct Fixed<'a, K>(&'a K);

impl<E: ?Sized, K: Kernel<E>> Kernel<E> for Fixed<'_, K> {
    type State = K::State;
    fn init(&self, energy: &E, x: Points) -> K::State {
        self.0.init(energy, x)
    }
    fn step(&self, energy: &E, state: &mut K::State, rng: &mut Streams) -> Info {
        self.0.step(energy, state, rng)
    }
    fn refresh(&self, energy: &E, state: &mut K::State) {
        self.0.refresh(energy, state)
    }
}

#[test]
fn ula_has_its_known_variance_and_not_the_exact_one() {
    let eps = 0.2;
    let draws = fixed(&Quartic::new(1.0, 0.0), &Ula::new(eps), 2000);
    let known = [truth("mean", |x| x[0], 0.0), truth("variance", |x| x[0] * x[0], 1.0 / (1.0 - 0.5 * eps))];
    assert_agrees("ula", &z_scores(&draws, &known));
    let exact = [truth("variance", |x| x[0] * x[0], 1.0)];
    assert!(worst(&z_scores(&draws, &exact)) > 6.0);
    // The scale multiplies the step: eps s^2 is what counts.
    let scaled = Ula { step_size: eps / 4.0, metric: Metric::diagonal(vec![2.0]) };
    assert_agrees("scaled ula", &z_scores(&fixed(&Quartic::new(1.0, 0.0), &scaled, 2000), &known));
}

#[test]
fn scales_leave_the_target_alone() {
    let mut truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    truths.extend(truths_of_density(1, 60.0, |x| (-0.02 * x * x).exp()));
    let scale = vec![0.7, 4.0];
    let energy = correlated();
    let mala = Mala { step_size: 0.4, metric: Metric::diagonal(scale.clone()) };
    assert_agrees("mala", &z_scores(&fixed(&energy, &mala, 1500), &truths));
    let hmc = Hmc { metric: Metric::diagonal(scale.clone()), ..Hmc::new(0.6, 4) };
    assert_agrees("hmc", &z_scores(&fixed(&energy, &hmc, 1000), &truths));
    let plain = Hmc { jitter: 0.0, ..hmc.clone() };
    assert_agrees("hmc without jitter", &z_scores(&fixed(&energy, &plain, 1000), &truths));
    let rwm = Rwm { step_size: 1.2, metric: Metric::diagonal(scale) };
    assert_agrees("rwm", &z_scores(&fixed(&energy, &rwm, 4000), &truths));
    // The covariance itself as diagonal plus low rank: directions (1, 1) and (1, -1) over sqrt(2) of the scaled coordinates.
    let h = std::f64::consts::FRAC_1_SQRT_2;
    let vectors = Matrix::from_columns(2, 2, vec![h, h, h, -h]);
    let metric = Metric::low_rank(vec![1.0, 5.0], vectors, vec![1.8f64.sqrt(), 0.2f64.sqrt()]);
    let mala = Mala { step_size: 0.6, metric: metric.clone() };
    assert_agrees("low-rank mala", &z_scores(&fixed(&energy, &mala, 1500), &truths));
    let hmc = Hmc { metric: metric.clone(), ..Hmc::new(0.8, 3) };
    assert_agrees("low-rank hmc", &z_scores(&fixed(&energy, &hmc, 1000), &truths));
    let nuts = Nuts { metric: metric.clone(), ..Nuts::new(0.8) };
    assert_agrees("low-rank nuts", &z_scores(&fixed(&energy, &nuts, 1000), &truths));
    let rwm = Rwm { step_size: 1.2, metric: metric.clone() };
    assert_agrees("low-rank rwm", &z_scores(&fixed(&energy, &rwm, 4000), &truths));
    // In these coordinates the target is N(0, I), whose known bias unadjusted Langevin has: variances 1 / (1 - eps / 2).
    let ula = Ula { step_size: 0.2, metric };
    let known = [
        truth("variance 1", |x| x[0] * x[0], 1.0 / 0.9),
        truth("variance 2", |x| x[1] * x[1], 25.0 / 0.9),
        truth("covariance", |x| x[0] * x[1], 4.0 / 0.9),
    ];
    assert_agrees("low-rank ula", &z_scores(&fixed(&energy, &ula, 2000), &known));
}

#[test]
fn broken_twins_fail_the_same_check() {
    let truths = truths_of_density(0, 8.0, |x| (-0.5 * x * x - 0.1 * x.powi(4)).exp());
    let energy = Quartic::new(1.0, 0.1);
    let z = |step_size, n_leapfrog, broken| {
        worst(&z_scores(&fixed(&energy, &Twin { step_size, n_leapfrog, broken }, 1500), &truths))
    };
    assert!(z(0.4, 0, None) < 4.0);
    assert!(z(0.7, 3, None) < 4.0);
    assert!(z(0.4, 0, Some(Broken::NoQRatio)) > 6.0);
    assert!(z(0.7, 3, Some(Broken::NoAccept)) > 6.0);
    assert!(z(0.4, 0, Some(Broken::FlippedSign)) > 6.0);
    assert!(z(0.7, 3, Some(Broken::FlippedSign)) > 6.0);
}

/// The library's kernels make the moves of the plain twins (same noise, same uniforms), up to rounding.
#[test]
fn kernels_equal_their_plain_twins() {
    let energy = Quartic::new(1.0, 0.1);
    let mala = fixed(&energy, &Mala::new(0.4), 50);
    let hmc = fixed(&energy, &Hmc { jitter: 0.0, ..Hmc::new(0.7, 3) }, 50);
    let twin_mala = fixed(&energy, &Twin { step_size: 0.4, n_leapfrog: 0, broken: None }, 50);
    let twin_hmc = fixed(&energy, &Twin { step_size: 0.7, n_leapfrog: 3, broken: None }, 50);
    for (a, b) in [(mala, twin_mala), (hmc, twin_hmc)] {
        // Dynamics may amplify rounding; nearly all draws agree.
        let close = a.values().iter().zip(b.values()).filter(|(a, b)| (*a - *b).abs() < 1e-6).count();
        assert!(close as f64 > 0.999 * a.values().len() as f64, "{close} of {}", a.values().len());
    }
}
