//! What the swap leaves invariant, and that broken swaps do not pass.

use super::swap::Rule;
use super::*;
use crate::diagnostics::ks_statistic;
use crate::energy::formula::Formula;
use crate::energy::gaussian::Gaussian;
use crate::kernel::{ChainState, Chains, Hmc};
use crate::points::Matrix;
use crate::rng::{Purpose, Run, Streams};

fn quiet(_: Event) {}

fn flipped(d_beta: f64, lower: f64, upper: f64) -> f64 {
    -swap::metropolis(d_beta, lower, upper)
}

fn uncorrected(_: f64, _: f64, _: f64) -> f64 {
    0.0
}

/// By enumeration: the largest change of a probability when two levels with three states each, at `beta` and `beta'`, swap.
fn change_by_a_swap(rule: Rule) -> f64 {
    let (e_from, e_to) = ([0.3f64, 1.0, -0.5], [2.0f64, -1.0, 0.4]);
    let (low, up) = (0.2, 0.7);
    let density = |beta: f64| {
        let p = [0, 1, 2].map(|s: usize| (-(1.0 - beta) * e_from[s] - beta * e_to[s]).exp());
        let z: f64 = p.iter().sum();
        p.map(|p| p / z)
    };
    let (p, q) = (density(low), density(up));
    let difference = |s: usize| e_to[s] - e_from[s];
    let accept = |a: usize, b: usize| rule(up - low, difference(a), difference(b)).min(0.0).exp();
    let mut worst = 0.0f64;
    for a in 0..3 {
        for b in 0..3 {
            let after = p[a] * q[b] * (1.0 - accept(a, b)) + p[b] * q[a] * accept(b, a);
            worst = worst.max((after - p[a] * q[b]).abs());
        }
    }
    worst
}

#[test]
fn a_swap_leaves_the_product_of_the_levels_alone() {
    assert!(change_by_a_swap(swap::metropolis) < 1e-15);
    assert!(change_by_a_swap(flipped) > 0.05);
    assert!(change_by_a_swap(uncorrected) > 0.05);
}

/// The distribution function of `exp(-E)` on a fine grid over `(-l, l)`, in one dimension.
struct Tabulated {
    x: Vec<f64>,
    cdf: Vec<f64>,
}

impl Tabulated {
    fn new(energy: &impl Energy, l: f64) -> Self {
        const N: usize = 40_000;
        let x: Vec<f64> = (0..=N).map(|i| l * (2.0 * i as f64 / N as f64 - 1.0)).collect();
        let mut e = vec![0.0; x.len()];
        energy.energy(&Points::from_real(Matrix::from_columns(x.len(), 1, x.clone())), &mut e);
        let mut cdf = vec![0.0];
        for i in 0..N {
            cdf.push(cdf[i] + 0.5 * ((-e[i]).exp() + (-e[i + 1]).exp()));
        }
        let total = cdf[N];
        cdf.iter_mut().for_each(|c| *c /= total);
        Self { x, cdf }
    }

    fn interpolate(at: f64, from: &[f64], to: &[f64]) -> f64 {
        let k = from.partition_point(|v| *v < at).clamp(1, from.len() - 1);
        let t = (at - from[k - 1]) / (from[k] - from[k - 1]);
        to[k - 1] + t * (to[k] - to[k - 1])
    }
}

/// Starts all levels from exact draws, iterates a few times with a kernel that hardly moves, and measures the largest
/// Kolmogorov-Smirnov statistic (times the root of the number of ladders) of any level.
fn departure(rule: Rule, reference: Gaussian, target: &Formula, l: f64) -> f64 {
    const N: usize = 4000;
    let betas = vec![0.0, 0.05, 0.2, 0.5, 1.0];
    let tables: Vec<Tabulated> =
        betas.iter().map(|b| Tabulated::new(&Bridge::new(&reference, target, *b), l)).collect();
    let mut rng = Streams::new(17, Run::Pilot);
    let x: Vec<Points> = tables
        .iter()
        .map(|t| {
            rng.advance();
            let u = rng.uniforms(Purpose::Init, N, 1);
            let at = |i: usize, _| Tabulated::interpolate(u.col(0)[i], &t.cdf, &t.x);
            Points::from_real(Matrix::from_fn(N, 1, at))
        })
        .collect();
    let kernel = Hmc::new(0.05, 1);
    let ladder = Ladder::new(reference, betas, vec![kernel; 5], Replicas::new(x)).unwrap();
    let options = TemperingOptions { n_draws: 9, n_steps: 1, seed: 3, ..TemperingOptions::default() };
    let mut session = LadderSession::start_by(rule, target, &ladder, &options).unwrap();
    let draws = session.piece(options.n_draws, &quiet).unwrap();
    let replicas = session.finish(draws).replicas;
    let statistic = |(x, table): (&Points, &Tabulated)| {
        let mut sorted = x.real.col(0).to_vec();
        sorted.sort_by(f64::total_cmp);
        ks_statistic(&sorted, |v| Tabulated::interpolate(v, &table.x, &table.cdf)) * (N as f64).sqrt()
    };
    replicas.x.iter().zip(&tables).map(statistic).fold(0.0, f64::max)
}

#[test]
fn every_level_keeps_its_distribution_and_broken_swaps_are_found() {
    let gaussian = Formula::parse("2*(x-2)^2").unwrap();
    let mixture = Formula::parse("-log(0.3*exp(-(x+4)^2/2)+0.7*exp(-(x-4)^2/2))").unwrap();
    let wide = Gaussian::diagonal(vec![0.5], &[5.0]).unwrap();
    for (reference, target, l) in [(Gaussian::standard(1), gaussian, 12.0), (wide, mixture, 40.0)] {
        let right = departure(swap::metropolis, reference.clone(), &target, l);
        assert!(right < 2.2, "{right}");
        let wrong = departure(flipped, reference.clone(), &target, l);
        assert!(wrong > 4.0, "{wrong}");
        let wrong = departure(uncorrected, reference, &target, l);
        assert!(wrong > 4.0, "{wrong}");
    }
}

/// Hamiltonian Monte Carlo that evaluates nothing anew after a swap.
#[derive(Clone)]
struct NoRefresh(Hmc);

impl<E: Differentiable> Kernel<E> for NoRefresh {
    type State = Chains;
    fn init(&self, energy: &E, x: Points) -> Chains {
        self.0.init(energy, x)
    }
    fn step(&self, energy: &E, state: &mut Chains, rng: &mut Streams) -> Info {
        self.0.step(energy, state, rng)
    }
    fn refresh(&self, _: &E, state: &mut Chains) {
        assert!(state.x().n() > 0);
    }
}

impl Tunable for NoRefresh {
    fn step_size(&self) -> f64 {
        self.0.step_size()
    }
    fn set_step_size(&mut self, step_size: f64) {
        self.0.set_step_size(step_size);
    }
    fn target_accept(&self) -> Option<f64> {
        self.0.target_accept()
    }
    fn metric(&self) -> Option<&crate::kernel::Metric> {
        self.0.metric()
    }
    fn set_metric(&mut self, metric: &crate::kernel::Metric) {
        self.0.set_metric(metric);
    }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "stale cache")]
fn a_missing_refresh_is_found() {
    let target = Formula::parse("2*(x-2)^2").unwrap();
    let x = Points::zeros(32, 1);
    let kernels = vec![NoRefresh(Hmc::new(0.05, 1)); 4];
    let ladder =
        Ladder::new(Gaussian::standard(1), vec![0.0, 0.1, 0.4, 1.0], kernels, Replicas::new(vec![x; 4])).unwrap();
    let options = TemperingOptions { n_draws: 50, n_steps: 1, ..TemperingOptions::default() };
    let _ = draw(&target, &ladder, &options, &quiet);
}
