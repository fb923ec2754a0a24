//! log Z of labels by chains, held against sums over all states.

use gibbsite::energy::Discrete;
use gibbsite::energy::ising::{Boundary, on_lattice};
use gibbsite::logz::LogZ;
use gibbsite::logz::sampled::{Along, Estimator, Forget, Pilot, Stop, cross_check, refine};
use gibbsite::run::saved::Saved;

use super::energies::{boltzmann, categorical_rbm, potts, rbm};

fn stop(tol: f64) -> Stop<'static> {
    Stop { tol, first: None, least: 0, budget: 60_000_000, elapsed: &|| 0.0 }
}

/// By every method, from one pilot.
fn estimates(energy: &dyn Discrete, tol: f64, seed: u64) -> Vec<LogZ> {
    let pilot = Pilot::of_labels(energy, seed, &|_| {}, &|| 0.0).unwrap();
    let path = pilot.path(&stop(0.05), &mut |_| {}).unwrap();
    let along = |along| -> Box<dyn Estimator> { Box::new(pilot.ladders(along).unwrap()) };
    let estimators: [Box<dyn Estimator>; 5] = [
        Box::new(pilot.annealing(&path)),
        Box::new(pilot.populations(&path)),
        along(Along::Bridges),
        along(Along::Thermodynamic),
        along(Along::SteppingStones),
    ];
    let estimate = |mut e: Box<dyn Estimator + '_>| refine(e.as_mut(), &stop(tol), &mut Forget, &|_| {}, &mut |_| {});
    estimators.into_iter().map(|e| estimate(e).unwrap()).collect()
}

fn agree(name: &str, energy: &dyn Discrete, log_z: f64) {
    for z in estimates(energy, 0.03, 1) {
        let off = (z.value - log_z) / z.std_err;
        println!("{name:18} {:15} {:+.4} +- {:.4} ({off:+.1}) {}", z.method, z.value - log_z, z.std_err, z.n_evals);
        assert!(off.abs() < 4.0 && z.trusted, "{name}: {z:?}, not {log_z}");
    }
}

#[test]
fn every_method_on_small_machines() {
    agree("boltzmann 8", &boltzmann(8, 1.0), 6.216_959_696_164_668);
    agree("boltzmann 20, 3", &boltzmann(20, 3.0), 37.844_967_165_189_23);
    agree("rbm 6 x 4", &rbm(6, 4, 1.0), 10.512_585_466_895_79);
    agree("marginal 6 x 4", &rbm(6, 4, 1.0).marginal(), 10.512_585_466_895_79);
    for energy in [&categorical_rbm() as &dyn Discrete, &potts(3)] {
        let exact = gibbsite::logz::enumeration::enumerate(energy).unwrap().log_z;
        agree("small", energy, exact);
    }
    agree(
        "ising 4 x 4",
        &on_lattice(&[4, 4], Boundary::Periodic, [0.5 * (1.0 + 2f64.sqrt()).ln(), 1.0, 0.0]),
        15.521_915_458_755_283,
    );
}

#[test]
#[ignore = "a minute"]
fn every_method_on_larger_machines() {
    for (d, log_z) in [(12, 9.134_079_861_664_096), (16, 13.876_032_188_139_014), (20, 17.929_660_876_655_79)] {
        agree(&format!("boltzmann {d}"), &boltzmann(d, 1.0), log_z);
    }
    agree("rbm 64 x 12", &rbm(64, 12, 0.5), 59.306_067_672_633_66);
    agree("rbm 100 x 20", &rbm(100, 20, 1.0), 143.901_777_746_602_02);
    agree("ising 16 x 16", &on_lattice(&[16, 16], Boundary::Periodic, [0.4, 1.0, 0.0]), 225.228_846_755_875_8);
    agree("open ising 8 x 8", &on_lattice(&[8, 8], Boundary::Open, [0.6, 1.0, 0.0]), 70.063_464_602_586_44);
}

#[test]
fn two_families_agree_and_states_that_are_kept_go_on() {
    let energy = rbm(6, 4, 1.0);
    let pilot = Pilot::of_labels(&energy, 2, &|_| {}, &|| 0.0).unwrap();
    let path = pilot.path(&stop(0.05), &mut |_| {}).unwrap();
    let by =
        |pilot: &Pilot<'_, _, _, _>| cross_check(pilot, &path, &stop(0.02), &mut Forget, &|_| {}, &mut |_| {}).unwrap();
    let found = by(&pilot);
    assert!(found.log_z.trusted && (found.log_z.value - 10.512_585_466_895_79).abs() < 0.06, "{:?}", found.log_z);
    assert!(found.reversed.is_some() && found.importance.is_none());
    let kept = Saved::from_bytes(&pilot.save().to_bytes().unwrap()).unwrap();
    assert_eq!(by(&Pilot::restore_labels(&energy, 2, &kept).unwrap()).log_z, found.log_z);
    // Of an estimate under way.
    let mut whole = pilot.ladders(Along::Bridges).unwrap();
    whole.extend(40, &|_| {}).unwrap();
    let kept = Saved::from_bytes(&whole.save().to_bytes().unwrap()).unwrap();
    whole.extend(40, &|_| {}).unwrap();
    let mut rest = pilot.ladders(Along::Bridges).unwrap();
    rest.go_on(&kept).unwrap();
    rest.extend(40, &|_| {}).unwrap();
    assert_eq!((rest.log_z().unwrap(), rest.target_draws()), (whole.log_z().unwrap(), whole.target_draws()));
}
