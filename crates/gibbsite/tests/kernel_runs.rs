//! Runs of the kernels that have states of their own: blocks and threads, continuation, warm-up, what is not finite, counts.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use common::targets::{ByHand, gaussian, quartic};
use gibbsite::adapt::{Adapt, WarmedUp};
use gibbsite::energy::gaussian::Gaussian;
use gibbsite::energy::{Energy, Transformed};
use gibbsite::kernel::{ChainState, Ensemble, Independence, Info, Kernel, Slice, Tunable, Underdamped};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{Draws, RunOptions, draw, initial_points, initial_points_with_gradient, sample};

const OPTIONS: RunOptions = RunOptions { n_draws: 30, thin: 2, n_warmup: 100, seed: 2, block: 32 };

fn proposals() -> Independence<Gaussian> {
    Independence::new(Gaussian::diagonal(vec![0.0; 2], &[1.5, 4.0]).unwrap())
}

/// Calls a macro-like closure for every kernel of this file on the correlated Gaussian.
macro_rules! for_every_kernel {
    (|$name:ident, $kernel:ident| $body:expr) => {{
        let ($name, $kernel) = ("underdamped", Underdamped::new(0.3, 4, 1.0));
        $body;
        let ($name, $kernel) = ("unadjusted underdamped", Underdamped::unadjusted(0.2, 4, 1.0));
        $body;
        let ($name, $kernel) = ("slice", Slice::new(2.0));
        $body;
        let ($name, $kernel) = ("ensemble", Ensemble::new(12));
        $body;
        let ($name, $kernel) = ("independence", proposals());
        $body;
    }};
}

#[test]
fn draws_do_not_depend_on_threads_or_blocks() {
    let energy = gaussian().energy;
    let init = initial_points_with_gradient(&energy, 96, 1).unwrap();
    fn run<K: Adapt<ByHand>>(energy: &ByHand, kernel: &K, init: &Points, n_threads: usize, block: usize) -> Draws {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let options = RunOptions { block, ..OPTIONS };
        pool.install(|| sample(energy, kernel, init.clone(), &options, &|_| {}).unwrap().draws)
    }
    for_every_kernel!(|name, kernel| {
        let one = run(&energy, &kernel, &init, 1, 32);
        assert_eq!(one, run(&energy, &kernel, &init, 2, 32), "threads, {name}");
        assert_eq!(one, run(&energy, &kernel, &init, 2, 96), "one block, {name}");
        assert_eq!(one, run(&energy, &kernel, &init, 1, 7), "ragged blocks, {name}");
    });
}

#[test]
fn runs_can_be_continued() {
    let energy = gaussian().energy;
    let init = initial_points_with_gradient(&energy, 96, 1).unwrap();
    fn check<K: Adapt<ByHand>>(energy: &ByHand, kernel: &K, init: &Points, name: &str) {
        let run = |n_draws| sample(energy, kernel, init.clone(), &RunOptions { n_draws, ..OPTIONS }, &|_| {}).unwrap();
        let (long, short) = (run(30), run(10));
        let warm = WarmedUp { kernel: short.kernel, x: short.last, info: Info::default(), warnings: Vec::new() };
        let rest = draw(energy, warm, &RunOptions { n_draws: 20, ..OPTIONS }, 20, &|_| {}).unwrap();
        assert_eq!(rest.last, long.last, "{name}");
        for c in [0, 40, 95] {
            let joined: Vec<f64> = short.draws.chain(c, 1).chain(rest.draws.chain(c, 1)).collect();
            assert_eq!(joined, long.draws.chain(c, 1).collect::<Vec<_>>(), "{name}");
        }
    }
    for_every_kernel!(|name, kernel| check(&energy, &kernel, &init, name));
}

/// Several steps at once are single steps, and the state knows the energies of where it is.
#[test]
fn states_are_consistent() {
    let energy = gaussian().energy;
    let init = initial_points_with_gradient(&energy, 96, 3).unwrap();
    fn check<K: Kernel<ByHand>>(energy: &ByHand, kernel: &K, init: &Points, name: &str) {
        let (mut a, mut b) = (kernel.init(energy, init.clone()), kernel.init(energy, init.clone()));
        let (mut rng_a, mut rng_b) = (Streams::new(5, Run::Draws), Streams::new(5, Run::Draws));
        let together = kernel.steps(energy, &mut a, &mut rng_a, 10);
        let mut single = Info::default();
        for _ in 0..10 {
            single.add(kernel.step(energy, &mut b, &mut rng_b));
            rng_b.advance();
        }
        assert_eq!((a.x(), together), (b.x(), single), "{name}");
        let mut e = vec![0.0; 96];
        energy.energy(a.x(), &mut e);
        assert_eq!(a.energy(), e, "{name}");
        // Positions that were set from outside are taken up.
        a.x_mut().real.as_mut_slice().fill(0.5);
        kernel.refresh(energy, &mut a);
        let mut c = kernel.init(energy, a.x().clone());
        let mut rng_c = rng_a.clone();
        kernel.step(energy, &mut a, &mut rng_a);
        kernel.step(energy, &mut c, &mut rng_c);
        assert_eq!(a.x(), c.x(), "{name}");
    }
    for_every_kernel!(|name, kernel| check(&energy, &kernel, &init, name));
}

/// Finite only inside `|x| < 1`; NaN beyond `x > 0.9`.
fn treacherous() -> ByHand {
    let value = |x: &[f64]| match x[0] {
        x if x > 0.9 => f64::NAN,
        x if x < -1.0 => f64::INFINITY,
        _ => 0.0,
    };
    ByHand { space: Space::real(1), value, gradient: |_, g| g[0] = 0.0 }
}

#[test]
fn what_is_not_finite_is_rejected_and_counted() {
    fn check<K: Kernel<ByHand> + Tunable>(kernel: &K, name: &str) {
        let energy = treacherous();
        let x = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 80.0 - 0.3));
        let mut state = kernel.init(&energy, x);
        let mut rng = Streams::new(8, Run::Draws);
        let mut info = Info::default();
        for _ in 0..200 {
            let step = kernel.step(&energy, &mut state, &mut rng);
            rng.advance();
            let n_diverged = (0..64).filter(|i| state.diverged(*i)).count() as u64;
            assert_eq!(n_diverged, step.n_diverged, "{name}");
            info.add(step);
            assert!(state.x().real.as_slice().iter().all(|x| (-1.0..=0.9).contains(x)), "{name}");
            assert!(state.energy().iter().all(|e| *e == 0.0), "{name}");
        }
        assert!(info.n_diverged > 0 && info.sum_accept.value() > 0.0, "{name}: {info:?}");
    }
    check(&Underdamped::new(0.4, 3, 1.0), "underdamped");
    check(&Underdamped::unadjusted(0.4, 3, 1.0), "unadjusted underdamped");
    check(&Slice::new(1.0), "slice");
    check(&Ensemble::new(8), "ensemble");
    check(&Independence::new(Gaussian::standard(1)), "independence");
    assert!(!Underdamped::unadjusted(0.4, 3, 1.0).rejects() && Slice::new(1.0).rejects());
}

/// Every row that the energy is asked for is counted, from widths far too small to far too large.
#[test]
fn evaluations_of_slice_sampling_are_counted() {
    struct Counting(ByHand, AtomicU64);
    impl Energy for Counting {
        fn space(&self) -> &Space {
            self.0.space()
        }
        fn energy(&self, x: &Points, out: &mut [f64]) {
            self.1.fetch_add(x.n() as u64, Ordering::Relaxed);
            self.0.energy(x, out);
        }
    }
    let mut per_coordinate = Vec::new();
    for width in [1e-3, 2.0, 1e3] {
        let energy = Counting(gaussian().energy, AtomicU64::new(0));
        let kernel = Slice::new(width);
        let mut state = kernel.init(&energy, Points::zeros(100, 2));
        energy.1.store(0, Ordering::Relaxed);
        let info = kernel.steps(&energy, &mut state, &mut Streams::new(1, Run::Draws), 50);
        assert_eq!(info.n_evals, energy.1.load(Ordering::Relaxed));
        assert_eq!((info.n, info.n_truncated, info.n_diverged), (5000, 0, 0));
        per_coordinate.push(info.n_evals as f64 / 10_000.0);
    }
    // The limit on the width, a fit, and shrinkage alone: logarithmic in the width.
    assert!((60.0..70.0).contains(&per_coordinate[0]), "{per_coordinate:?}");
    assert!(per_coordinate[1] < 6.0 && per_coordinate[2] < 20.0, "{per_coordinate:?}");
}

#[test]
fn warm_up_of_slice_sampling_finds_the_widths() {
    let energy = Gaussian::diagonal(vec![0.0; 2], &[1.0, 100.0]).unwrap();
    let init = initial_points(&energy, 64, 3).unwrap();
    let options = RunOptions { n_warmup: 400, ..OPTIONS };
    let out = sample(&energy, &Slice::new(2.0), init, &options, &|_| {}).unwrap();
    let scale = out.kernel.metric.scale();
    assert!((scale[0] - 1.0).abs() < 0.1 && (scale[1] / 100.0 - 1.0).abs() < 0.1, "{scale:?}");
    assert_eq!(out.kernel.step_size, 2.0);
    assert!(out.info.n_evals < 12 * out.info.n, "{:?}", out.info);
    // One coordinate has a width to find, too.
    let energy = Gaussian::diagonal(vec![0.0], &[100.0]).unwrap();
    let init = initial_points(&energy, 64, 3).unwrap();
    let out = sample(&energy, &Slice::new(2.0), init, &options, &|_| {}).unwrap();
    assert!((out.kernel.metric.scale()[0] / 100.0 - 1.0).abs() < 0.1, "{:?}", out.kernel.metric);
    assert_eq!((out.warm_up.n, out.kernel.step_size), (400 * 64, 2.0));
}

/// The unadjusted kernel takes a quarter of the step at which the metropolized one reaches its target.
#[test]
fn warm_up_of_underdamped_langevin_finds_the_step() {
    let energy = gaussian().energy;
    let init = initial_points_with_gradient(&energy, 64, 3).unwrap();
    let options = RunOptions { n_draws: 100, n_warmup: 400, ..OPTIONS };
    let exact = sample(&energy, &Underdamped::new(0.1, 5, 1.0), init.clone(), &options, &|_| {}).unwrap();
    assert!((exact.info.accept_prob() - 0.8).abs() < 0.06, "{}", exact.info.accept_prob());
    let biased = sample(&energy, &Underdamped::unadjusted(0.1, 5, 1.0), init, &options, &|_| {}).unwrap();
    assert!(!biased.kernel.metropolized && biased.info.accept_prob() == 1.0);
    let ratio = biased.kernel.step_size / exact.kernel.step_size;
    assert!((ratio / 0.25 - 1.0).abs() < 0.2, "{ratio}");
    assert_eq!(biased.warm_up.n, 400 * 64);
}

/// Kernels without anything to adapt take their transitions and stay as they are.
#[test]
fn warm_up_leaves_the_others_as_they_are() {
    let energy = Transformed::new(quartic().energy);
    let init = initial_points(&energy, 60, 3).unwrap();
    let done = AtomicU64::new(0);
    let progress = |event| {
        if let gibbsite::run::Event::Progress { done: now, total, .. } = event {
            assert!(now <= total);
            done.fetch_max(now, Ordering::Relaxed);
        }
    };
    let ensemble = Ensemble::for_chains(60, 1).unwrap();
    let warm = ensemble.warm_up(&energy, init.clone(), &OPTIONS, &progress).unwrap();
    assert_eq!((&warm.kernel, warm.info.n), (&ensemble, 6000));
    assert_eq!(done.load(Ordering::Relaxed), 6000);
    let kernel = Independence::new(Gaussian::standard(1));
    let warm = kernel.warm_up(&energy, init, &OPTIONS, &|_| {}).unwrap();
    assert_eq!((&warm.kernel, warm.info.n), (&kernel, 6000));
}

#[test]
#[should_panic(expected = "4 chains in 3 dimensions")]
fn an_ensemble_that_cannot_span_the_space_does_not_start() {
    Kernel::<Gaussian>::init(&Ensemble::new(4), &Gaussian::standard(3), Points::zeros(8, 3));
}
