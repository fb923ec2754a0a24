//! What kernels and runs do where the energy is not finite, the step too long, the start hopeless or a cache stale.

use gibbsite::energy::Energy;
use gibbsite::kernel::{ChainState, Chains, Hmc, Info, Kernel, Mala, Rwm, Ula};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::rng::{Run, Streams};
use gibbsite::run::{RunError, RunOptions, Warning, initial_points, sample};

use crate::energies::{Quartic, Treacherous};
use crate::quiet;

#[test]
fn non_finite_proposals_are_rejected_and_counted() {
    let energy = Treacherous(Space::real(1));
    let go = |state: Chains, kernel: &dyn Fn(&mut Chains, &mut Streams) -> Info| {
        let mut state = state;
        let mut rng = Streams::new(8, Run::Draws);
        let mut info = Info::default();
        for _ in 0..200 {
            info.add(kernel(&mut state, &mut rng));
            rng.advance();
            assert!(state.x().real.as_slice().iter().all(|x| (-1.0..=0.9).contains(x)));
            assert!(state.energy().iter().all(|e| *e == 0.0));
        }
        assert!(info.n_diverged > 0 && info.sum_accept.value() > 0.0 && info.n == 200 * 64);
        info
    };
    let x = Points::zeros(64, 1);
    let (rwm, ula, mala, hmc) = (Rwm::new(0.5), Ula::new(0.1), Mala::new(0.1), Hmc::new(0.2, 3));
    let a = go(Kernel::<Treacherous>::init(&rwm, &energy, x.clone()), &|s, r| rwm.step(&energy, s, r));
    let b = go(ula.init(&energy, x.clone()), &|s, r| ula.step(&energy, s, r));
    go(mala.init(&energy, x.clone()), &|s, r| mala.step(&energy, s, r));
    go(hmc.init(&energy, x.clone()), &|s, r| hmc.step(&energy, s, r));
    // Of a kernel that rejects, leaving the support is no divergence; of one that does not, it is.
    assert!(a.n_diverged as f64 + a.sum_accept.value() < a.n as f64);
    assert_eq!(b.n_diverged as f64 + b.sum_accept.value(), b.n as f64);
}

#[test]
fn runs_of_a_diverging_ula_fail() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 8.0));
    let options = RunOptions { n_draws: 200, n_warmup: 0, ..RunOptions::default() };
    let got = sample(&Quartic::new(1.0, 0.1), &Ula::new(1.0), init, &options, &quiet);
    assert!(matches!(got, Err(RunError::Diverged { .. })), "{got:?}");
}

#[test]
fn divergences_of_hmc_are_warned_of() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 8.0));
    let options = RunOptions { n_draws: 50, n_warmup: 0, ..RunOptions::default() };
    let out = sample(&Quartic::new(1.0, 10.0), &Hmc::new(1.0, 5), init, &options, &quiet).unwrap();
    assert!(out.warnings.iter().any(|w| matches!(w, Warning::Divergences { .. })), "{:?}", out.warnings);
}

/// A step size that was given is judged as one that was found.
#[test]
fn a_given_step_size_that_nothing_accepts_is_warned_of() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 64.0));
    let options = RunOptions { n_draws: 50, n_warmup: 0, ..RunOptions::default() };
    let out = sample(&Quartic::new(1.0, 0.1), &Mala::new(1e9), init, &options, &quiet).unwrap();
    let warning = out.warnings.iter().find(|w| matches!(w, Warning::Acceptance { adapted: false, .. }));
    assert!(warning.is_some_and(|w| w.to_string().contains("smaller step size")), "{:?}", out.warnings);
}

#[test]
#[cfg(debug_assertions)]
fn stale_caches_panic() {
    let stale = |refresh: bool| {
        std::panic::catch_unwind(|| {
            let mut energy = Quartic::new(1.0, 0.1);
            let kernel = Mala::new(0.1);
            let mut state = kernel.init(&energy, Points::zeros(4, 1));
            energy.a = 2.0;
            if refresh {
                kernel.refresh(&energy, &mut state);
            }
            kernel.step(&energy, &mut state, &mut Streams::new(0, Run::Draws));
        })
        .is_err()
    };
    assert!(stale(false));
    assert!(!stale(true));
}

#[test]
fn starts_without_a_finite_energy_are_refused() {
    struct Nowhere(Space);
    impl Energy for Nowhere {
        fn space(&self) -> &Space {
            &self.0
        }
        fn energy(&self, _: &Points, out: &mut [f64]) {
            out.fill(f64::INFINITY);
        }
    }
    let energy = Nowhere(Space::real(2));
    let none = initial_points(&energy, 3, 0).unwrap_err();
    assert!(matches!(none, RunError::NoStart { chain: 0, n_attempts: 100, .. }), "{none}");
    let got = sample(&energy, &Rwm::new(1.0), Points::zeros(3, 2), &RunOptions::default(), &quiet).unwrap_err();
    assert!(matches!(got, RunError::BadStart { chain: 0, .. }), "{got}");
    let got = sample(&energy, &Rwm::new(1.0), Points::zeros(3, 1), &RunOptions::default(), &quiet).unwrap_err();
    assert_eq!(got, RunError::Dimension { got: 1, expected: 2 });
}
