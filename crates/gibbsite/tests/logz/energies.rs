//! Energies from plain functions, and the check of their log Z.

use gibbsite::energy::Energy;
use gibbsite::logz::{self, Options};
use gibbsite::points::{Points, Space, Support};

/// An energy from a plain function of one point.
pub struct F<F>(Space, F);

impl<G: Fn(&[f64]) -> f64 + Send + Sync> Energy for F<G> {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let d = x.dim();
        let mut at = [0.0; 8];
        for (i, o) in out.iter_mut().enumerate() {
            for j in 0..d {
                at[j] = x.real.get(i, j);
            }
            *o = (self.1)(&at[..d]);
        }
    }
}

/// The function `f` on bounded supports.
pub fn on<G: Fn(&[f64]) -> f64 + Send + Sync>(supports: &[Support], f: G) -> F<G> {
    let mut space = Space::real(supports.len());
    space.reals = supports.to_vec();
    F(space, f)
}

/// The function `f` of `dim` unbounded coordinates.
pub fn real<G: Fn(&[f64]) -> f64 + Send + Sync>(dim: usize, f: G) -> F<G> {
    F(Space::real(dim), f)
}

/// log Z is within `tol` of `expected`, and no farther from it than it claims.
#[track_caller]
pub fn check<E: Energy>(name: &str, energy: E, expected: f64, tol: f64) {
    let t = std::time::Instant::now();
    let z = logz::log_z(&energy, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let ms = t.elapsed().as_secs_f64() * 1e3;
    let err = (z.value - expected).abs();
    println!("{name:24} {:.15} err {err:.1e} claimed {:.1e} evals {} {ms:.3} ms", z.value, z.std_err, z.n_evals);
    assert!(err <= tol, "{name}: {} instead of {expected}, off by {err:.2e}", z.value);
    // References of 9 digits cannot judge the claimed error.
    assert!(
        tol >= 1e-9 || err <= 3.0 * z.std_err + 4e-15 * expected.abs().max(1.0),
        "{name}: error {err:.1e} but {:.1e} claimed",
        z.std_err
    );
}

pub fn ln_two_pi() -> f64 {
    (2.0 * std::f64::consts::PI).ln()
}
