//! Sums over all states against the list of references and against each state by itself.

use gibbsite::energy::ising::{Boundary, on_lattice};
use gibbsite::energy::{Discrete, Energy};
use gibbsite::logz::LogZError;
use gibbsite::logz::enumeration::{enumerate, n_states, state_probabilities};

use super::energies::{all_states, boltzmann, categorical_rbm, potts, rbm, spins};

/// log Z, mean energy and marginals state by state.
fn agrees(name: &str, energy: &dyn Discrete) {
    let (x, p) = (all_states(energy.space()), state_probabilities(energy).unwrap());
    let mut e = vec![0.0; x.n()];
    energy.energy(&x, &mut e);
    let found = enumerate(energy).unwrap();
    let log_z = -e[0] - p[0].ln();
    assert!((found.log_z - log_z).abs() < 1e-12 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{name}");
    let mean: f64 = p.iter().zip(&e).map(|(p, e)| p * e).sum();
    assert!((found.energy - mean).abs() < 1e-11, "{name}: {} {mean}", found.energy);
    for (site, marginal) in found.marginals.iter().enumerate() {
        for (value, q) in marginal.iter().enumerate() {
            let of_value = |i: &usize| usize::from(x.label.get(*i, site)) == value;
            let expected: f64 = (0..x.n()).filter(of_value).map(|i| p[i]).sum();
            assert!((q - expected).abs() < 1e-12, "{name} {site}: {q} {expected}");
        }
    }
}

#[test]
fn sums_agree_with_every_state_by_itself() {
    agrees("boltzmann", &boltzmann(6, 2.0));
    agrees("spins", &spins());
    agrees("potts", &potts(3));
    agrees("rbm", &rbm(6, 4, 1.0));
    agrees("categorical rbm", &categorical_rbm());
    agrees("marginal", &categorical_rbm().marginal());
    agrees("ising", &on_lattice(&[3, 4], Boundary::Periodic, [0.4, 1.0, 0.2]));
    // More states than a batch has, and not a multiple of it.
    agrees("many states", &potts(7));
}

#[test]
fn the_references_come_out() {
    for (d, scale, log_z, entropy, mean) in [
        (8, 1.0, 6.216_959_696_164_668, 5.053_971_366_454_292, 0.444_574_012_9),
        (12, 1.0, 9.134_079_861_664_096, 6.495_530_314_034_141, 0.553_371_693_7),
        (16, 1.0, 13.876_032_188_139_014, 8.639_422_592_964_516, 0.541_786_551),
        (20, 1.0, 17.929_660_876_655_79, 10.673_398_033_599_376, 0.582_504_364_2),
        (20, 3.0, 37.844_967_165_189_23, 4.371_979_564_058_392_5, 0.828_857_219_3),
    ] {
        let energy = boltzmann(d, scale);
        let found = enumerate(&energy).unwrap();
        assert!((found.log_z - log_z).abs() < 1e-12 * log_z, "{d}: {}", found.log_z);
        assert!((found.log_z + found.energy - entropy).abs() < 1e-10, "{d}");
        assert!((found.mean(&energy.space().labels)[0] - mean).abs() < 1e-9, "{d}");
    }
    for (n_visible, n_hidden, scale, log_z) in [
        (6, 4, 1.0, 10.512_585_466_895_79),
        (64, 12, 0.5, 59.306_067_672_633_66),
        (784, 16, 0.1, 563.196_320_877_911_8),
    ] {
        let energy = rbm(n_visible, n_hidden, scale);
        assert_eq!(n_states(&energy), 2f64.powi(n_hidden as i32));
        let found = enumerate(&energy).unwrap();
        assert!((found.log_z - log_z).abs() < 1e-12 * log_z, "{n_visible} {n_hidden}: {}", found.log_z);
        assert!(found.log_z().exact && found.log_z().method == "enumeration");
    }
    let torus = |beta| on_lattice(&[4, 4], Boundary::Periodic, [beta, 1.0, 0.0]);
    let critical = (1.0 + 2f64.sqrt()).ln() / 2.0;
    let found = enumerate(&torus(critical)).unwrap();
    assert!((found.log_z - 15.521_915_458_755_283).abs() < 1e-12 && found.n_states == 1 << 8, "{found:?}");
    let open = enumerate(&on_lattice(&[4, 4], Boundary::Open, [0.5, 1.0, 0.0])).unwrap();
    assert!((open.log_z - 14.497_711_024).abs() < 1e-9);
}

#[test]
#[ignore = "seconds: a million states of 784 units"]
fn large_references_come_out() {
    for (n_visible, n_hidden, scale, log_z) in
        [(784, 20, 0.1, 567.534_206_180_639_9), (100, 20, 1.0, 143.901_777_746_602_02)]
    {
        let found = enumerate(&rbm(n_visible, n_hidden, scale)).unwrap();
        assert!((found.log_z - log_z).abs() < 1e-12 * log_z, "{n_visible} {n_hidden}: {}", found.log_z);
    }
}

#[test]
fn too_many_states_and_undefined_energies_are_refused() {
    let error = enumerate(&boltzmann(40, 1.0)).unwrap_err();
    assert!(matches!(error, LogZError::States { n_states, .. } if n_states == 2f64.powi(39)), "{error}");
    assert!(matches!(state_probabilities(&boltzmann(21, 1.0)).unwrap_err(), LogZError::States { .. }));
    let real = gibbsite::energy::formula::Formula::parse("x^2").unwrap();
    assert!(matches!(state_probabilities(&real).unwrap_err(), LogZError::Reals { dim: 1, .. }));
}

#[test]
fn threads_change_no_bit() {
    let energy = boltzmann(16, 2.0);
    let by = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| enumerate(&energy).unwrap())
    };
    assert_eq!(by(1), by(3));
}
