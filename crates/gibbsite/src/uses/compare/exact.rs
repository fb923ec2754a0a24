//! Whether a mean by quadrature exists, and how far nodes that were made for exp(-E) are off.

use crate::energy::Energy;
use crate::logz::{LogZError, Options, quadrature};
use crate::points::{Points, Space};

/// Relative tolerance by dimension: far below what is asked of a divergence, and cheap in three dimensions.
const TOLERANCE: [f64; 3] = [1e-12, 1e-9, 1e-4];

/// What a quadrature of `sqrt(1 + D^2) exp(-E)` says of the mean of `D = E' - E`.
pub enum Existence {
    /// It exists.
    Shown(Second),
    /// It is infinite.
    Refuted,
    /// The quadrature does not tell.
    Unknown,
}

/// Nodes that were made for the mean of D: a second opinion on means over p.
pub struct Second {
    /// E at the nodes.
    own: Vec<f64>,
    /// D at the nodes.
    excess: Vec<f64>,
    /// Weights under p.
    w: Vec<f64>,
    /// The relative error of the quadrature.
    error: f64,
}

impl Second {
    /// How far the mean energy over p may be from `mean`.
    pub fn error_of_energy(&self, mean: f64) -> f64 {
        self.error_of(&self.own, mean)
    }

    /// How far the mean of D over p may be from `mean`.
    pub fn error_of_excess(&self, mean: f64) -> f64 {
        self.error_of(&self.excess, mean)
    }

    /// The mean of `f - mean`, and what the tolerance leaves open.
    fn error_of(&self, f: &[f64], mean: f64) -> f64 {
        let (mut sum, mut size) = (0.0, 0.0);
        for (w, f) in self.w.iter().zip(f) {
            sum += w * (f - mean);
            size += w * (f - mean).abs();
        }
        f64::abs(sum) + self.error * size
    }
}

/// `E - log(1 + (E' - E)^2) / 2`, smooth where E' = E.
struct Tilted<'a, A: ?Sized, B: ?Sized> {
    own: &'a A,
    other: &'a B,
}

impl<A: Energy + ?Sized, B: Energy + ?Sized> Energy for Tilted<'_, A, B> {
    fn space(&self) -> &Space {
        self.own.space()
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        self.own.energy(x, out);
        crate::scratch::with(x.n(), |other| {
            self.other.energy(x, other);
            for (e, f) in out.iter_mut().zip(other.iter()) {
                // Where E' overflows p has no mass, else the mean were known to be infinite.
                *e = if *f == f64::INFINITY { f64::INFINITY } else { *e - size(f - *e).ln() };
            }
        });
    }

    fn landmarks(&self) -> Vec<f64> {
        [self.own.landmarks(), self.other.landmarks()].concat()
    }
}

/// `sqrt(1 + d^2)`, without overflow.
fn size(d: f64) -> f64 {
    d.hypot(1.0)
}

/// Whether the mean of D over p exists; `log_z` is that of `own`.
pub fn second<A, B>(own: &A, other: &B, log_z: f64) -> Existence
where
    A: Energy + ?Sized,
    B: Energy + ?Sized,
{
    let dim = own.space().dim();
    let tol = Some(TOLERANCE[dim.clamp(1, 3) - 1]);
    match quadrature(&Tilted { own, other }, &Options { tol }) {
        Ok(q) => {
            let (mut e, mut excess) = (vec![0.0; q.n()], vec![0.0; q.n()]);
            own.energy(&q.points, &mut e);
            other.energy(&q.points, &mut excess);
            excess.iter_mut().zip(&e).for_each(|(f, e)| *f -= e);
            let w = q.log_w.iter().zip(&excess).map(|(w, d)| (w + q.log_z - log_z).exp() / size(*d)).collect();
            Existence::Shown(Second { own: e, excess, w, error: q.error })
        }
        Err(LogZError::Diverges { .. } | LogZError::DivergesAtEnd { .. }) => Existence::Refuted,
        Err(_) => Existence::Unknown,
    }
}
