//! Runs: the same bits however they are cut, what warm-up finds, and the bias that is reported.

use gibbsite::adapt::{WarmedUp, compare, ula_reference};
use gibbsite::kernel::{ChainState, Hmc, Kernel, Mala, Nuts, Rwm, Ula};
use gibbsite::points::{Points, Space};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{Event, RunOptions, draw, initial_points, initial_points_with_gradient, sample};

use crate::energies::{Correlated, Quartic, correlated, ring};
use crate::quiet;

#[test]
fn draws_do_not_depend_on_threads_or_blocks() {
    let energy = correlated();
    let init = initial_points_with_gradient(&energy, 100, 1).unwrap();
    let with = |threads: usize, block: usize, which: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = RunOptions { n_draws: 50, thin: 3, n_warmup: 150, seed: 2, block };
        pool.install(|| match which {
            0 => sample(&energy, &Rwm::new(1.0), init.clone(), &options, &quiet).unwrap().draws,
            1 => sample(&energy, &Ula::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
            2 => sample(&energy, &Mala::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
            3 => sample(&energy, &Hmc::new(0.1, 5), init.clone(), &options, &quiet).unwrap().draws,
            _ => sample(&energy, &Nuts::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
        })
    };
    for which in 0..5 {
        let one = with(1, 32, which);
        assert_eq!(one, with(2, 32, which), "threads, kernel {which}");
        assert_eq!(one, with(2, 100, which), "one block, kernel {which}");
        assert_eq!(one, with(1, 7, which), "ragged blocks, kernel {which}");
    }
}

#[test]
fn a_longer_run_begins_with_the_shorter_and_can_be_continued() {
    let energy = ring();
    let init = initial_points_with_gradient(&energy, 70, 1).unwrap();
    let options = |n_draws| RunOptions { n_draws, thin: 2, n_warmup: 100, seed: 4, block: 64 };
    let long = sample(&energy, &Mala::new(0.1), init.clone(), &options(30), &quiet).unwrap();
    let short = sample(&energy, &Mala::new(0.1), init, &options(10), &quiet).unwrap();
    let warm = WarmedUp { kernel: short.kernel, x: short.last, info: short.warm_up, warnings: short.warnings };
    let rest = draw(&energy, warm, &options(20), 20, &quiet).unwrap();
    for c in 0..70 {
        let joined: Vec<f64> = short.draws.chain(c, 1).chain(rest.draws.chain(c, 1)).collect();
        assert_eq!(joined, long.draws.chain(c, 1).collect::<Vec<_>>());
    }
    assert_eq!(rest.last, long.last);
}

#[test]
fn rows_are_independent() {
    let energy = ring();
    let x = initial_points(&energy, 40, 9).unwrap();
    let step = |x: Points, first: usize| {
        let kernel = Hmc::new(0.2, 4);
        let mut rng = Streams::new(1, Run::Draws).block(first);
        let mut state = kernel.init(&energy, x);
        for _ in 0..20 {
            kernel.step(&energy, &mut state, &mut rng);
            rng.advance();
        }
        state.x().clone()
    };
    let all = step(x.clone(), 0);
    for i in [0, 1, 17, 39] {
        assert_eq!(step(x.rows(i, 1), i), all.rows(i, 1));
    }
}

#[test]
fn bias_of_ula_is_reported() {
    let energy = Quartic::new(1.0, 0.0);
    let init = initial_points_with_gradient(&energy, 128, 7).unwrap();
    let options = RunOptions { n_draws: 2000, thin: 4, n_warmup: 300, seed: 1, block: 128 };
    let out = sample(&energy, &Ula::new(0.1), init.clone(), &options, &quiet).unwrap();
    assert_eq!(out.info.accept_prob(), 1.0);
    let reference = ula_reference(&energy, &out.kernel, init.clone(), &options, &quiet).unwrap();
    let bias = compare(&out.draws, &reference);
    let expected = (1.0 / (1.0 - 0.5 * out.kernel.step_size)).sqrt();
    assert!(bias[0].mean_z.abs() < 4.0 && bias[0].variance_z > 4.0, "{bias:?}");
    assert!((bias[0].sd_ratio - expected).abs() < 0.01, "{bias:?} {expected}");
    // Two runs of an exact kernel do not differ.
    let mala = |seed| sample(&energy, &Mala::new(0.1), init.clone(), &RunOptions { seed, ..options.clone() }, &quiet);
    let same = compare(&mala(1).unwrap().draws, &mala(2).unwrap().draws);
    assert!(same[0].mean_z.abs() < 4.0 && same[0].variance_z.abs() < 4.0, "{same:?}");
}

#[test]
fn warm_up_finds_scales_and_reports_progress() {
    let energy = Correlated { space: Space::real(2), rho: 0.0, stretch: 100.0 };
    let init = initial_points_with_gradient(&energy, 64, 3).unwrap();
    let last = std::sync::Mutex::new((0, 0));
    let progress = |e: Event| {
        if let Event::Progress { done, total, .. } = e {
            let mut last = last.lock().unwrap();
            *last = (done.max(if total == last.1 { last.0 } else { 0 }), total);
        }
    };
    let options = RunOptions { n_draws: 10, n_warmup: 1000, ..RunOptions::default() };
    let out = sample(&energy, &Hmc::new(0.1, 8), init, &options, &progress).unwrap();
    let ratio = out.kernel.metric.scale()[1] / out.kernel.metric.scale()[0];
    assert!((ratio / 100.0 - 1.0).abs() < 0.1, "{:?}", out.kernel.metric);
    assert_eq!(*last.lock().unwrap(), (640, 640));
}
