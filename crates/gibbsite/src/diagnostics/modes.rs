//! Which mode a state belongs to: the minimum of the energy that is nearest, by the curvature of each.

use crate::points::Matrix;

/// Why minima cannot be told apart.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModesError {
    /// A minimum has another number of coordinates than the first.
    #[error("minimum {index} has {found} coordinates, the first has {expected}")]
    Dimension {
        /// Which.
        index: usize,
        /// Coordinates of the first minimum.
        expected: usize,
        /// Its own.
        found: usize,
    },
    /// There are not as many Hessians as minima.
    #[error("{found} Hessians for {expected} minima")]
    Count {
        /// Number of minima.
        expected: usize,
        /// Number of Hessians.
        found: usize,
    },
    /// A coordinate of a minimum is not finite.
    #[error("minimum {index} is not finite")]
    NotFinite {
        /// Which.
        index: usize,
    },
    /// A Hessian is no measure of distance: it has another size, or a direction in which the energy does not rise.
    #[error(
        "the Hessian of minimum {index} is not a positive definite {dim} x {dim} matrix: the energy does not rise in every \
         direction; use Euclidean distances, or leave this minimum out"
    )]
    Indefinite {
        /// Which.
        index: usize,
        /// Coordinates of a state.
        dim: usize,
    },
}

/// The minima of an energy, each with its measure of distance.
#[derive(Clone, Debug)]
pub struct Modes {
    dim: usize,
    minima: Vec<Vec<f64>>,
    /// Columns of L with H = L L^T, below the diagonal; nothing for Euclidean distances.
    factors: Vec<Matrix<f64>>,
}

impl Modes {
    /// Modes by Euclidean distance `|x - m|`: the cells of Voronoi. Right for wells of like width in coordinates of like
    /// scale.
    ///
    /// # Errors
    /// [`ModesError::Dimension`], [`ModesError::NotFinite`].
    pub fn new(minima: &[Vec<f64>]) -> Result<Self, ModesError> {
        let dim = minima.first().map_or(0, Vec::len);
        for (index, m) in minima.iter().enumerate() {
            if m.len() != dim {
                return Err(ModesError::Dimension { index, expected: dim, found: m.len() });
            }
            if !m.iter().all(|v| v.is_finite()) {
                return Err(ModesError::NotFinite { index });
            }
        }
        Ok(Self { dim, minima: minima.to_vec(), factors: Vec::new() })
    }

    /// Modes by Mahalanobis distance `sqrt((x - m)^T H (x - m))` with the Hessian H of the energy at each minimum, so that a
    /// distance of 1 is one standard deviation of the Gaussian of that well. Only the lower triangle of H is read.
    ///
    /// # Errors
    /// Those of [`Modes::new`], [`ModesError::Count`], [`ModesError::Indefinite`].
    pub fn with_hessians(minima: &[Vec<f64>], hessians: &[Matrix<f64>]) -> Result<Self, ModesError> {
        let modes = Self::new(minima)?;
        if hessians.len() != minima.len() {
            return Err(ModesError::Count { expected: minima.len(), found: hessians.len() });
        }
        let dim = modes.dim;
        let factor = |(index, h): (usize, &Matrix<f64>)| cholesky(h, dim).ok_or(ModesError::Indefinite { index, dim });
        Ok(Self { factors: hessians.iter().enumerate().map(factor).collect::<Result<_, _>>()?, ..modes })
    }

    /// Number of modes.
    pub fn len(&self) -> usize {
        self.minima.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.minima.is_empty()
    }

    /// The mode nearest to `x`, the first of equals; `None` if none is within `reach` (a distance as above, infinity for no
    /// limit) or `x` is not finite.
    ///
    /// The limits of this: it is no basin of attraction. Wells that are curved (a ring, a banana) or whose Hessian at the
    /// bottom says little of their width (x^4) are cut in the wrong place; a wide well claims what lies about a narrow one
    /// beside it, since its distances are short. A `reach` of 3 to 5 standard deviations leaves out what is doubtful, and
    /// makes the counts of transitions those from core to core.
    ///
    /// # Panics
    /// If `x` has another number of coordinates than the minima.
    pub fn assign(&self, x: &[f64], reach: f64) -> Option<usize> {
        assert!(
            x.len() == self.dim || self.is_empty(),
            "a state has {} coordinates, minima have {}",
            x.len(),
            self.dim
        );
        let mut nearest = None;
        let mut least = reach * reach;
        for k in 0..self.len() {
            let squared = self.squared_distance(k, x);
            if squared < least || (nearest.is_none() && squared == least && squared.is_finite()) {
                (nearest, least) = (Some(k), squared);
            }
        }
        nearest
    }

    /// [`Modes::assign`] of every state of every chain, `chains[c][t * dim + j]`: labels for
    /// [`occupancy`](super::occupancy).
    ///
    /// # Panics
    /// If a chain is not a whole number of states, or there are no minima.
    pub fn assign_chains<C: AsRef<[f64]>>(&self, chains: &[C], reach: f64) -> Vec<Vec<Option<usize>>> {
        assert!(self.dim > 0, "there must be a minimum, with at least one coordinate");
        let label = |chain: &C| {
            let states = chain.as_ref().chunks_exact(self.dim);
            assert!(states.remainder().is_empty(), "a chain must hold whole states of {} coordinates", self.dim);
            states.map(|x| self.assign(x, reach)).collect()
        };
        chains.iter().map(label).collect()
    }

    /// `|L^T (x - m)|^2`; NaN or infinite for what is not finite.
    fn squared_distance(&self, k: usize, x: &[f64]) -> f64 {
        let m = &self.minima[k];
        match self.factors.get(k) {
            None => x.iter().zip(m).map(|(x, m)| (x - m) * (x - m)).sum(),
            Some(l) => (0..self.dim)
                .map(|j| {
                    let along: f64 = (j..self.dim).map(|i| l.get(i, j) * (x[i] - m[i])).sum();
                    along * along
                })
                .sum(),
        }
    }
}

/// L with H = L L^T; `None` if H is not positive definite or not `dim` by `dim`.
fn cholesky(h: &Matrix<f64>, dim: usize) -> Option<Matrix<f64>> {
    if h.n_rows() != dim || h.n_cols() != dim {
        return None;
    }
    let mut l = Matrix::new(dim, dim);
    for j in 0..dim {
        for i in j..dim {
            let left: f64 = (0..j).map(|k| l.get(i, k) * l.get(j, k)).sum();
            let rest = h.get(i, j) - left;
            let value = if i == j { rest.sqrt() } else { rest / l.get(j, j) };
            // The root of a negative number is NaN, too.
            if !value.is_finite() || (i == j && value == 0.0) {
                return None;
            }
            l.set(i, j, value);
        }
    }
    Some(l)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hessian_decides_what_is_near() {
        let minima = [vec![0.0, 0.0], vec![4.0, 0.0]];
        let plain = Modes::new(&minima).unwrap();
        assert_eq!(plain.assign(&[1.9, 7.0], f64::INFINITY), Some(0));
        // The first well is ten times as narrow along x: at 1.9 it is 19 standard deviations away, the other 2.1.
        let h = |xx: f64, xy: f64| Matrix::from_columns(2, 2, vec![xx, xy, xy, 1.0]);
        let scaled = Modes::with_hessians(&minima, &[h(100.0, 0.0), h(1.0, 0.0)]).unwrap();
        assert_eq!(scaled.assign(&[1.9, 0.0], f64::INFINITY), Some(1));
        assert_eq!(scaled.assign(&[0.1, 0.0], 1.5), Some(0));
        assert_eq!(scaled.assign(&[1.9, 0.0], 2.0), None);
        assert_eq!(scaled.assign(&[f64::NAN, 0.0], f64::INFINITY), None);
        // (x - m)^T H (x - m) = 2 + 2 * 0.5 + 1 at (1, 1) of [[2, 0.5], [0.5, 1]].
        let tilted = Modes::with_hessians(&minima[..1], &[h(2.0, 0.5)]).unwrap();
        assert!((tilted.squared_distance(0, &[1.0, 1.0]) - 4.0).abs() < 1e-14);
        let chains = [[0.0, 0.1, 3.9, 0.0, 2.0, 50.0], [4.0, 0.0, 4.0, 0.0, 0.0, 0.0]];
        assert_eq!(plain.assign_chains(&chains, 3.0), [[Some(0), Some(1), None], [Some(1), Some(1), Some(0)]]);
        // At a distance equal to the reach, and twice as far as either.
        assert_eq!(plain.assign(&[2.0, 0.0], 2.0), Some(0));
    }

    #[test]
    fn what_is_no_distance_is_refused() {
        let minima = [vec![0.0, 0.0], vec![1.0, 0.0]];
        let h = |yy: f64| Matrix::from_columns(2, 2, vec![1.0, 0.0, 0.0, yy]);
        for yy in [0.0, -1.0, f64::NAN] {
            let error = Modes::with_hessians(&minima, &[h(1.0), h(yy)]).unwrap_err();
            assert_eq!(error, ModesError::Indefinite { index: 1, dim: 2 });
        }
        assert!(Modes::with_hessians(&minima, &[h(1.0), Matrix::new(1, 1)]).is_err());
        assert_eq!(Modes::with_hessians(&minima, &[h(1.0)]).unwrap_err(), ModesError::Count { expected: 2, found: 1 });
        let ragged = Modes::new(&[vec![0.0], vec![0.0, 1.0]]).unwrap_err();
        assert_eq!(ragged, ModesError::Dimension { index: 1, expected: 1, found: 2 });
        assert_eq!(Modes::new(&[vec![f64::INFINITY]]).unwrap_err(), ModesError::NotFinite { index: 0 });
        assert!(Modes::new(&[]).unwrap().is_empty());
    }
}
