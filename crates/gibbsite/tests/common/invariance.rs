//! Does a kernel leave its target invariant? Chains start from exact, independent draws and take some transitions; where
//! they end must again be exact, independent draws. No convergence is involved, so the test is sharp: any moment,
//! distribution or correlation between chains that differs is an error of the kernel.
//!
//! A new kernel needs one line in the table of `tests/invariance.rs`.

use gibbsite::energy::Energy;
use gibbsite::kernel::{ChainState, Kernel};
use gibbsite::points::Points;
use gibbsite::rng::{Run, Streams};

use super::targets::Target;

/// Chains of a test, a multiple of the groups of ensembles, and exact draws that their ends are compared with.
pub const N_CHAINS: usize = 4608;
const N_REFERENCE: usize = 4 * N_CHAINS;

/// Statistics of all tests together, rounded up, and the probability that any of them fails a correct kernel (Bonferroni).
const N_STATISTICS: f64 = 2000.0;
const FALSE_ALARM: f64 = 1e-3;

/// A broken kernel must be this unlikely to be right, in powers of ten.
const WIDE_MARGIN: f64 = 20.0;

/// The distance, in chains, at which ends are tested for correlation.
const LAGS: [usize; 2] = [1, 6];

/// A statistic, and how unlikely its value is under a correct kernel.
#[derive(Debug)]
pub struct Surprise {
    pub statistic: String,
    /// -log10 of the p-value; infinite where the statistic is not finite.
    pub digits: f64,
}

/// Asserts that `n_steps` transitions of `kernel` leave the target as it is, and that they are not idle.
pub fn assert_invariant<E: Energy, K: Kernel<E>>(target: &Target<E>, name: &str, kernel: &K, n_steps: u64) {
    let mut n_moved = 0;
    let worst = worst(target, |x| {
        let y = transitions(&target.energy, kernel, x.clone(), n_steps);
        n_moved = (0..x.n()).filter(|i| x.real.row(*i) != y.real.row(*i)).count();
        y
    });
    let limit = (N_STATISTICS / FALSE_ALARM).log10();
    assert!(worst.digits < limit, "{name} on {}: {worst:?}, the limit is {limit:.1}", target.name);
    assert!(2 * n_moved > N_CHAINS, "{name} on {}: {n_moved} of {N_CHAINS} chains moved", target.name);
}

/// Asserts that a kernel which is wrong is found out by a wide margin.
pub fn assert_broken<E>(target: &Target<E>, name: &str, transitions: impl FnOnce(Points) -> Points) {
    let worst = worst(target, transitions);
    assert!(worst.digits > WIDE_MARGIN, "{name} on {} is not found out: {worst:?}", target.name);
}

/// Where `n_steps` transitions lead.
pub fn transitions<E: Energy, K: Kernel<E>>(energy: &E, kernel: &K, x: Points, n_steps: u64) -> Points {
    let mut state = kernel.init(energy, x);
    kernel.steps(energy, &mut state, &mut Streams::new(11, Run::Draws), n_steps);
    state.x().clone()
}

/// The most unlikely statistic of where `transitions` lead from exact draws.
pub fn worst<E>(target: &Target<E>, transitions: impl FnOnce(Points) -> Points) -> Surprise {
    let end = transitions((target.draw)(N_CHAINS, 1));
    let all = surprises(target, &end, &(target.draw)(N_REFERENCE, 2));
    all.into_iter().max_by(|a, b| a.digits.total_cmp(&b.digits)).expect("a target has functions")
}

fn surprises<E>(target: &Target<E>, end: &Points, reference: &Points) -> Vec<Surprise> {
    let mut all = Vec::new();
    for (name, f) in &target.functions {
        let values = |x: &Points| (0..x.n()).map(|i| f(&x.real.row(i))).collect::<Vec<f64>>();
        let (mut a, mut b) = (values(end), values(reference));
        let (mean, variance) = moments(&b);
        let spread = |x: &[f64]| x.iter().map(|x| (x - mean).powi(2)).collect::<Vec<f64>>();
        let mut add = |what: &str, digits: f64| all.push(Surprise { statistic: format!("{what} of {name}"), digits });
        add("mean", digits_of_z(difference(&a, &b)));
        add("spread", digits_of_z(difference(&spread(&a), &spread(&b))));
        for lag in LAGS {
            let products = |lag: usize| a.iter().zip(&a[lag..]).map(move |(x, y)| (x - mean) * (y - mean));
            let n = (a.len() - lag) as f64;
            add(
                &format!("correlation {lag} chains apart"),
                digits_of_z(products(lag).sum::<f64>() / variance / n.sqrt()),
            );
        }
        add("distribution", digits_of_distance(&mut a, &mut b));
    }
    all
}

fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// The difference of two means over its standard error.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(a), moments(b));
    (mean_a - mean_b) / (var_a / a.len() as f64 + var_b / b.len() as f64).sqrt()
}

/// -log10 P(|Z| > |z|), by the leading term of its tail; 0 where that is no use.
fn digits_of_z(z: f64) -> f64 {
    let z = z.abs();
    match z.is_finite() {
        false => f64::INFINITY,
        true if z < 2.0 => 0.0,
        true => (0.5 * z * z + z.ln() + 0.5 * std::f64::consts::FRAC_PI_2.ln()) / std::f64::consts::LN_10,
    }
}

/// -log10 of the p-value of the two-sample statistic of Kolmogorov and Smirnov, by the leading term of its tail.
fn digits_of_distance(a: &mut [f64], b: &mut [f64]) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let at = a[i].min(b[j]);
        while i < a.len() && a[i] <= at {
            i += 1;
        }
        while j < b.len() && b[j] <= at {
            j += 1;
        }
        distance = distance.max((i as f64 / n - j as f64 / m).abs());
    }
    let lambda2 = distance * distance * n * m / (n + m);
    ((2.0 * lambda2 - std::f64::consts::LN_2) / std::f64::consts::LN_10).max(0.0)
}
