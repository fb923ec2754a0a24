//! Ising tori against Kaufman's formula: energies and heat capacities, with errors that the chains say of themselves.

use gibbsite::adapt::Adapt;
use gibbsite::diagnostics::summary;
use gibbsite::energy::ising::{Boundary, on_lattice};
use gibbsite::energy::{Boltzmann, Energy, Independent, Tractable};
use gibbsite::kernel::{Gibbs, SwendsenWang, Wolff};
use gibbsite::logz::kaufman::Torus;
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{RunOptions, sample};

/// The inverse temperature at which an infinite torus orders.
fn critical() -> f64 {
    0.5 * (1.0 + 2f64.sqrt()).ln()
}

/// Mean energy and heat capacity of 64 chains, in standard errors from the exact ones, and the effective draws of the energy.
fn departures<K: Adapt<Boltzmann>>(kernel: &K, l: usize, beta: f64, n_draws: usize) -> [f64; 3] {
    let energy = on_lattice(&[l, l], Boundary::Periodic, [beta, 1.0, 0.0]);
    let exact = Torus::new([l, l], beta).unwrap();
    let n = (l * l) as f64;
    let (mean, variance) = (beta * exact.energy * n, exact.heat_capacity * n);
    let init = Independent::uniform(energy.space().clone()).sample(64, &mut Streams::new(1, Run::Probe));
    let options = RunOptions { n_draws, n_warmup: 200, seed: 1, ..RunOptions::default() };
    let draws = sample(&energy, kernel, init, &options, &|_| {}).unwrap().draws;
    let chains = draws.energy_chains();
    let squares: Vec<Vec<f64>> = chains.iter().map(|c| c.iter().map(|e| (e - mean).powi(2)).collect()).collect();
    let (e, s) = (summary(&chains), summary(&squares));
    let z = [(e.mean - mean) / e.mcse_mean, (s.mean - variance) / s.mcse_mean, e.ess_bulk];
    println!("L = {l}, beta = {beta:.3}: {z:?}");
    z
}

#[test]
fn clusters_have_the_energy_and_the_heat_capacity_of_tori() {
    for (l, n_draws) in [(8, 500), (16, 200), (32, 100)] {
        for beta in [0.3, critical(), 0.5] {
            let [e, c, ess] = departures(&SwendsenWang, l, beta, n_draws);
            assert!(e.abs() < 4.0 && c.abs() < 4.0, "{l} {beta}: {e} {c}");
            // Clusters hardly slow down where domains of all sizes are.
            assert!(ess > 0.05 * (64 * n_draws) as f64, "{l} {beta}: {ess}");
        }
    }
    let [e, c, _] = departures(&Wolff, 8, critical(), 1000);
    assert!(e.abs() < 4.0 && c.abs() < 4.0, "{e} {c}");
}

/// Single sites agree too, and know how little they know at the critical temperature.
#[test]
fn single_sites_have_the_energy_of_tori_and_say_how_slow_they_are() {
    let [e, c, fast] = departures(&Gibbs, 8, 0.3, 1000);
    assert!(e.abs() < 4.0 && c.abs() < 4.0, "{e} {c}");
    let [e, c, slow] = departures(&Gibbs, 16, critical(), 1000);
    assert!(e.abs() < 4.0 && c.abs() < 4.0 && slow < 0.3 * fast, "{e} {c} {slow} {fast}");
}
