//! Laplace's approximation of log Z: a Gaussian at every minimum of the energy. A sanity check, not an estimate with an error.

use super::{LogZ, log_sum_exp};
use crate::energy::Differentiable;
use crate::minimize::{Minima, MinimizeError, MinimizeOptions, minimize};

/// Laplace's approximation.
#[derive(Clone, Debug, PartialEq)]
pub struct Laplace {
    /// log Z.
    pub value: f64,
    /// Separate minima in the sum.
    pub n_minima: usize,
}

/// Why there is no approximation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LaplaceError {
    /// Nothing to minimise.
    #[error(transparent)]
    Minimize(#[from] MinimizeError),
    /// No descent found a minimum.
    #[error("no minimum of the energy was found from {n_starts} starts ({n_escaped} fell without end)")]
    NoMinimum {
        /// Starts.
        n_starts: usize,
        /// Those along which the energy fell without a minimum.
        n_escaped: usize,
    },
    /// A minimum around which the energy is no parabola.
    #[error(
        "around the minimum at {x:?} the energy does not rise as a parabola ({}): Laplace's approximation does not exist",
        if *.continuum { "it is one of a continuum" } else { "it is flatter, or has a kink" }
    )]
    NotQuadratic {
        /// The minimum.
        x: Vec<f64>,
        /// Whether it stands for a continuum of minima (a ring, a valley).
        continuum: bool,
    },
}

impl Laplace {
    /// The sum over minima that were found already.
    ///
    /// # Errors
    /// [`LaplaceError::NoMinimum`] and [`LaplaceError::NotQuadratic`], the latter for a degenerate minimum as deep as the
    /// others; one that lies more than 30 nats above the deepest is left out.
    pub fn of(found: &Minima) -> Result<Self, LaplaceError> {
        let mut logs = Vec::with_capacity(found.minima.len());
        for m in &found.minima {
            match m.log_weight.filter(|_| !(m.degenerate || m.continuum || m.kink)) {
                Some(log) => logs.push(log),
                None if m.above_lowest > NEGLIGIBLE => {}
                None => return Err(LaplaceError::NotQuadratic { x: m.x.clone(), continuum: m.continuum }),
            }
        }
        if logs.is_empty() {
            return Err(LaplaceError::NoMinimum { n_starts: found.n_starts, n_escaped: found.n_escaped });
        }
        Ok(Self { value: log_sum_exp(&logs), n_minima: logs.len() })
    }

    /// The value among others: no error that could be trusted, [`super::Bounds::None`].
    pub fn to_log_z(&self) -> LogZ {
        let mut out = LogZ::exact(self.value, f64::NAN, "laplace", 0).without_bounds();
        out.trusted = false;
        out.warnings.push("Laplace's approximation is exact for Gaussians and an order of magnitude otherwise".into());
        out
    }
}

/// Nats above the deepest minimum at which one that has no weight does not matter.
const NEGLIGIBLE: f64 = 30.0;

/// `log Z ~ log sum_k exp(-E(x_k)) (2 pi)^{d/2} det(H_k)^{-1/2}` over the separate minima x_k that [`minimize`] finds, `H_k`
/// the Hessian there (Laplace 1774; MacKay 2003, chapter 27). At a bound of the support a coordinate contributes `1 / |slope|`,
/// as for [`crate::minimize::Minimum::weight`]. Exact for a Gaussian, and for a mixture of Gaussians far apart; otherwise an
/// order of magnitude whose error nothing here tells: it has none.
///
/// # Errors
/// [`LaplaceError`]: where no minimum is found, and where one of them is degenerate, has a kink or stands for a continuum.
pub fn laplace<E: Differentiable + ?Sized>(energy: &E, options: &MinimizeOptions) -> Result<Laplace, LaplaceError> {
    Laplace::of(&minimize(energy, options)?)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{LN_2, PI};

    use super::*;
    use crate::energy::formula::{Formula, FormulaOptions};

    fn of(text: &str) -> Result<Laplace, LaplaceError> {
        let options = MinimizeOptions { n_starts: 64, max_starts: 64, ..MinimizeOptions::default() };
        laplace(&Formula::parse(text).unwrap(), &options)
    }

    #[test]
    fn gaussians_are_exact() {
        // Condition about 1e3, correlated: the determinant of the Hessian is 1000 * 1 * 4.
        let z = of("500*(x1-x2)^2 + (x2+3)^2/2 + 2*(x3-x1)^2 + 0.7").unwrap();
        let truth = 1.5 * (2.0 * PI).ln() - 0.5 * 4000f64.ln() - 0.7;
        assert_eq!(z.n_minima, 1);
        assert!((z.value - truth).abs() < 1e-8, "{} for {truth}", z.value);
        let z = z.to_log_z();
        assert!(!z.exact && !z.trusted && z.std_err.is_nan() && z.bounds == super::super::Bounds::None);
    }

    #[test]
    fn far_gaussians_add_up() {
        let z = of("-logsumexp(-((x1-4)^2+x2^2)/2, log(3)-((x1+4)^2+x2^2)/2)").unwrap();
        assert_eq!(z.n_minima, 2);
        assert!((z.value - (2.0 * PI).ln() - 2.0 * LN_2).abs() < 1e-9, "{}", z.value);
    }

    /// `x^2/2 + a x^4` with small a: Z = sqrt(2 pi) (1 - 3 a + 105 a^2 / 2 - ...), of which Laplace has the first term.
    #[test]
    fn a_quartic_is_off_by_its_first_correction() {
        let a = 1e-3;
        let z = of("x^2/2 + 0.001*x^4").unwrap().value;
        let exact = 0.5 * (2.0 * PI).ln() + (1.0f64 - 3.0 * a + 52.5 * a * a).ln();
        assert!((z - exact - 3.0 * a).abs() < 1e-4, "{}", z - exact);
    }

    #[test]
    fn bounds_count_with_their_slopes() {
        let options = FormulaOptions { bounds: vec![("x".into(), 0.0, f64::INFINITY)], ..FormulaOptions::default() };
        let energy = Formula::with_options("2*x", &options).unwrap();
        let z =
            laplace(&energy, &MinimizeOptions { n_starts: 16, max_starts: 16, ..MinimizeOptions::default() }).unwrap();
        assert!((z.value + LN_2).abs() < 1e-9, "{}", z.value);
    }

    #[test]
    fn what_is_no_parabola_is_refused() {
        let ring = of("(sqrt(x1^2+x2^2)-2)^2");
        assert!(matches!(ring, Err(LaplaceError::NotQuadratic { continuum: true, .. })), "{ring:?}");
        assert!(matches!(of("x1^4+x2^2"), Err(LaplaceError::NotQuadratic { continuum: false, .. })));
        assert!(matches!(of("abs(x1)+x2^2"), Err(LaplaceError::NotQuadratic { .. })));
        assert!(matches!(of("x1+x2^2"), Err(LaplaceError::NoMinimum { .. })));
    }
}
