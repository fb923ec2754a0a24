//! The communication barrier: how hard it is to walk the ladder, how many rungs it needs, and where they belong.
//!
//! Syed, Bouchard-Cote, Deligiannidis and Doucet (2021), "Non-reversible parallel tempering: a scalable highly parallel
//! MCMC scheme", JRSS-B, sections 4 and 5. With the local barrier `lambda(beta) = E|dE - dE'| / 2` over two independent
//! draws at `beta`, the rejection probability of a swap is `r(beta, beta') = integral of lambda from beta to beta'` up to
//! a term of third order in `beta' - beta`: rejections add up to the barrier `Lambda(beta) = integral of lambda from 0 to beta`.

/// Fewest levels of a ladder that chooses its own length.
pub const MIN_LEVELS: usize = 4;

/// Most levels of a ladder that chooses its own length.
pub const MAX_LEVELS: usize = 64;

/// Rejection that a unit of beta is taken to have at least: where nothing is rejected the levels are spread evenly.
const FLOOR: f64 = 1e-3;

/// Levels for a barrier `Lambda`: `2 Lambda + 1`, rounded up, at which about half of the swaps are rejected and parallel
/// work is best spent (Syed et al. 2021, section 5.3); at least [`MIN_LEVELS`], at most [`MAX_LEVELS`].
pub fn n_levels(barrier: f64) -> usize {
    let wanted = (2.0 * barrier).ceil() + 1.0;
    if wanted < MAX_LEVELS as f64 { (wanted as usize).max(MIN_LEVELS) } else { MAX_LEVELS }
}

/// Round trips from the reference to the target and back per iteration, over all replicas of one ladder, when energies
/// forget where they were between swaps: `1 / (2 + 2 sum_k r_k / (1 - r_k))` (Syed et al. 2021, corollary 2). 0 when a
/// pair never swaps.
pub fn round_trip_rate(rejection: &[f64]) -> f64 {
    1.0 / (2.0 + 2.0 * rejection.iter().map(|r| r / (1.0 - r)).sum::<f64>())
}

/// `n_levels` values of beta from 0 to 1, equally spaced in the barrier: `Lambda(beta_k) = k Lambda(1) / (n_levels - 1)`.
///
/// The barrier at the present betas is the sum of the rejections below; between them beta is interpolated as a function
/// of Lambda by the monotone cubic of Fritsch and Carlson (1980).
pub(super) fn respace(betas: &[f64], rejection: &[f64], n_levels: usize) -> Vec<f64> {
    let mut barrier = vec![0.0];
    for (k, r) in rejection.iter().enumerate() {
        barrier.push(barrier[k] + r.max(FLOOR * (betas[k + 1] - betas[k])));
    }
    let curve = Monotone::new(&barrier, betas);
    let last = n_levels - 1;
    let total = barrier[barrier.len() - 1];
    let mut new: Vec<f64> = (0..n_levels).map(|k| curve.at(total * k as f64 / last as f64)).collect();
    (new[0], new[last]) = (0.0, 1.0);
    // Rounding could make neighbours equal where the barrier is concentrated on a few ulps of beta.
    for k in 1..last {
        new[k] = new[k].max(new[k - 1].next_up());
    }
    for k in (1..last).rev() {
        new[k] = new[k].min(new[k + 1].next_down());
    }
    new
}

/// A monotone cubic interpolant (Fritsch and Carlson 1980), with the slopes of Fritsch and Butland (1984): the weighted
/// harmonic mean of the slopes of the neighbouring chords, which keeps every piece monotone.
struct Monotone<'a> {
    x: &'a [f64],
    y: &'a [f64],
    slope: Vec<f64>,
}

impl<'a> Monotone<'a> {
    /// Through `(x_k, y_k)`, both increasing, at least two of them.
    fn new(x: &'a [f64], y: &'a [f64]) -> Self {
        let n = x.len();
        let chord = |k: usize| (y[k + 1] - y[k]) / (x[k + 1] - x[k]);
        let inner = |k: usize| {
            let (h0, h1) = (x[k] - x[k - 1], x[k + 1] - x[k]);
            3.0 * (h0 + h1) / ((2.0 * h1 + h0) / chord(k - 1) + (h1 + 2.0 * h0) / chord(k))
        };
        let slope = (0..n).map(|k| match k {
            0 => chord(0),
            k if k + 1 == n => chord(n - 2),
            k => inner(k),
        });
        Self { x, y, slope: slope.collect() }
    }

    fn at(&self, x: f64) -> f64 {
        let k = self.x.partition_point(|v| *v <= x).clamp(1, self.x.len() - 1) - 1;
        let h = self.x[k + 1] - self.x[k];
        let t = ((x - self.x[k]) / h).clamp(0.0, 1.0);
        let (s, t2) = (1.0 - t, t * t);
        let value = (1.0 + 2.0 * t) * s * s * self.y[k] + t2 * (3.0 - 2.0 * t) * self.y[k + 1];
        value + h * t * s * (s * self.slope[k] - t * self.slope[k + 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_equalise_a_known_barrier() {
        // Lambda(beta) = sqrt(beta): equal spacing puts the levels at the squares.
        let betas: Vec<f64> = (0..=20).map(|k| (f64::from(k) / 20.0).powi(3)).collect();
        let rejection: Vec<f64> = betas.windows(2).map(|b| b[1].sqrt() - b[0].sqrt()).collect();
        let new = respace(&betas, &rejection, 11);
        for (k, b) in new.iter().enumerate() {
            assert!((b - (k as f64 / 10.0).powi(2)).abs() < 2e-3, "{k}: {b}");
        }
    }

    #[test]
    fn levels_stay_strictly_between_the_ends() {
        let betas = [0.0, 0.5, 1.0];
        for rejection in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1e-300, 0.3]] {
            for n in [2, 3, 4, 9, 64] {
                let new = respace(&betas, &rejection, n);
                assert_eq!((new[0], new[n - 1], new.len()), (0.0, 1.0, n));
                assert!(new.windows(2).all(|b| b[0] < b[1]), "{rejection:?} {new:?}");
            }
        }
        let even = respace(&betas, &[0.0, 0.0], 5);
        assert!(even.iter().enumerate().all(|(k, b)| (b - k as f64 / 4.0).abs() < 1e-12), "{even:?}");
    }

    #[test]
    fn numbers_of_levels_and_rates() {
        assert_eq!([0.0, 1.4, 3.0, 3.1, 40.0, f64::INFINITY].map(n_levels), [4, 4, 7, 8, 64, 64]);
        assert_eq!(round_trip_rate(&[0.0, 0.0]), 0.5);
        assert_eq!(round_trip_rate(&[0.5, 0.5]), 1.0 / 6.0);
        assert_eq!(round_trip_rate(&[1.0, 0.5]), 0.0);
    }
}
