//! How wide the bins of a histogram are: as narrow as the data can tell apart, so that two peaks stay two.

use gibbsite::diagnostics::ln_gamma;

/// Most bins of a histogram.
const MOST: usize = 100;

/// Equal bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    /// Left end of the first.
    pub lo: f64,
    /// Width of each.
    pub width: f64,
    /// How many.
    pub n: usize,
}

impl Bins {
    /// The bins of `sorted` values over their own range that maximise Knuth's posterior of a piecewise constant density,
    /// `n ln(M/R) + lnΓ(M/2) − M lnΓ(1/2) − lnΓ(n + M/2) + Σ lnΓ(n_k + 1/2)` for M bins over the range R (Knuth, "Optimal data-based binning for
    /// histograms", 2006, eq. 31), or narrower ones of width 2 IQR n^(−1/3) (Freedman and Diaconis, 1981). A width from a
    /// spread is too wide for several peaks, whose spread is their distance; the posterior is too wide for steep shoulders.
    ///
    /// Values on a lattice (integers, rounded numbers) get bins that hold equally many points of it, else a comb would
    /// show. Nothing for no values.
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let (&lo, &hi) = (sorted.first()?, sorted.last()?);
        if hi - lo < 1e-12 * lo.abs().max(hi.abs()).max(1e-100) {
            let width = if lo.abs() < 1e-100 { 1.0 } else { 0.1 * lo.abs() };
            return Some(Self { lo: lo - 0.5 * width, width, n: 1 });
        }
        let most = ((2.0 * (sorted.len() as f64).sqrt()) as usize).clamp(1, MOST);
        let candidates: Vec<Self> = match lattice(sorted) {
            Some(gap) => {
                let points = ((hi - lo) / gap).round() as usize + 1;
                (1..=points)
                    .map(|k| Self { lo: lo - 0.5 * gap, width: k as f64 * gap, n: points.div_ceil(k) })
                    .filter(|b| b.n <= most.max(2))
                    .collect()
            }
            None => (1..=most).map(|n| Self { lo, width: (hi - lo) / n as f64, n }).collect(),
        };
        let spread = freedman_diaconis(sorted);
        let scored = candidates.iter().map(|bins| (bins.log_posterior(sorted), bins));
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, bins)| *bins)?;
        let widest = best.width.min(spread);
        let narrower = candidates.iter().filter(|b| b.width <= widest).max_by(|a, b| a.width.total_cmp(&b.width));
        let narrowest = candidates.iter().min_by(|a, b| a.width.total_cmp(&b.width));
        narrower.or(narrowest).copied()
    }

    /// The bin of a value inside the range.
    pub fn index(&self, v: f64) -> usize {
        (((v - self.lo) / self.width) as usize).min(self.n - 1)
    }

    fn log_posterior(&self, sorted: &[f64]) -> f64 {
        let (m, n) = (self.n as f64, sorted.len() as f64);
        // Bins of a lattice do not all cover the same range R, so the width R/M stands for M.
        let mut sum = -n * self.width.ln() + ln_gamma(0.5 * m) - m * ln_gamma(0.5) - ln_gamma(n + 0.5 * m);
        let mut before = 0;
        for k in 0..self.n {
            let upto = if k + 1 == self.n { sorted.len() } else { sorted.partition_point(|v| self.index(*v) <= k) };
            sum += ln_gamma((upto - before) as f64 + 0.5);
            before = upto;
        }
        sum
    }
}

/// 2 IQR n^(−1/3); infinite where the quartiles are equal.
fn freedman_diaconis(sorted: &[f64]) -> f64 {
    let last = sorted.len() - 1;
    let iqr = sorted[last * 3 / 4] - sorted[last / 4];
    if iqr > 0.0 { 2.0 * iqr * (sorted.len() as f64).powf(-1.0 / 3.0) } else { f64::INFINITY }
}

/// The distance of neighbouring values, if all distances are multiples of it and there are few of them.
fn lattice(sorted: &[f64]) -> Option<f64> {
    let gaps = || sorted.windows(2).map(|w| w[1] - w[0]);
    let range = sorted.last()? - sorted.first()?;
    let least = gaps().filter(|g| *g > 1e-9 * range).fold(f64::INFINITY, f64::min);
    let is_multiple = |g: f64| (g / least - (g / least).round()).abs() < 1e-3;
    // A few values that happen to be multiples are no lattice: there must be ties.
    let distinct = 1 + gaps().filter(|g| *g > 1e-9 * range).count();
    (range / least < 2.0 * MOST as f64 && 2 * distinct < sorted.len() && gaps().all(is_multiple)).then_some(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn faithful(column: usize) -> Vec<f64> {
        let text = include_str!("../../../../data/faithful.csv");
        let cell = |line: &str| line.split(',').nth(column).and_then(|c| c.trim().parse().ok());
        sorted(text.lines().filter_map(cell))
    }

    fn counts(bins: &Bins, values: &[f64]) -> Vec<usize> {
        let mut counts = vec![0; bins.n];
        values.iter().for_each(|v| counts[bins.index(*v)] += 1);
        counts
    }

    #[test]
    fn the_geyser_has_two_peaks() {
        let eruptions = faithful(0);
        assert_eq!(eruptions.len(), 272);
        let bins = Bins::of(&eruptions).unwrap();
        assert!((10..=32).contains(&bins.n), "{bins:?}");
        let counts = counts(&bins, &eruptions);
        let at = |lo: f64, hi: f64| counts[bins.index(lo)..=bins.index(hi)].iter();
        let (short, valley, long) = (at(1.6, 2.4).max(), at(2.7, 3.2).min(), at(4.0, 5.0).max());
        assert!(short > Some(&20) && long > Some(&20) && valley < Some(&5), "{counts:?}");
    }

    #[test]
    fn bins_of_integers_hold_equally_many() {
        let waiting = faithful(1);
        let bins = Bins::of(&waiting).unwrap();
        assert!(bins.width.fract() == 0.0 && (bins.lo + 0.5).fract() == 0.0 && bins.n >= 6, "{bins:?}");
        let dice = sorted((0..600).map(|i| f64::from(i % 6 + 1)));
        let bins = Bins::of(&dice).unwrap();
        assert!(bins.lo == 0.5 && (bins.lo + bins.width * bins.n as f64) >= 6.5, "{bins:?}");
    }

    #[test]
    fn smooth_densities_get_more_bins_with_more_values() {
        let quantiles = |n: usize| -> Vec<f64> {
            sorted((0..n).map(|i| gibbsite::diagnostics::normal_quantile((i as f64 + 0.5) / n as f64)))
        };
        let [few, many] = [100, 100_000].map(|n| Bins::of(&quantiles(n)).unwrap().n);
        assert!((4..=20).contains(&few) && (20..=100).contains(&many), "{few} {many}");
        let steep = sorted((0..1600).map(|i| -(1.0 - (f64::from(i) + 0.5) / 1600.0).ln()));
        assert!(Bins::of(&steep).unwrap().n >= 25);
    }

    #[test]
    fn nothing_and_equal_values() {
        assert_eq!(Bins::of(&[]), None);
        assert_eq!(Bins::of(&[2.0; 9]).unwrap().n, 1);
        assert_eq!(Bins::of(&[0.0]).unwrap(), Bins { lo: -0.5, width: 1.0, n: 1 });
        assert_eq!(Bins::of(&[1e-308]).unwrap().width, 1.0); // bars of finite height
        let one = Bins::of(&[1.0, 2.0]).unwrap();
        assert!(one.n >= 1 && one.index(2.0) == one.n - 1);
    }
}
