//! Arithmetic on the columns of a table: moments, standardisation, splits into training and held-out rows.

use serde::{Deserialize, Serialize};

use super::{DataError, Table};
use crate::points::Matrix;
use crate::rng::{Purpose, Run, Streams};

/// What one column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with divisor n, in the units of the column.
    pub sd: f64,
}

/// The map z = (x - mean) / sd of each column, and back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// Mean of each column, in data units.
    pub mean: Vec<f64>,
    /// Standard deviation (divisor n) of each column, in data units; positive.
    pub sd: Vec<f64>,
}

impl Standardization {
    /// z = (x - mean) / sd, in place.
    ///
    /// # Panics
    /// If `x` has fewer columns than this has means.
    pub fn forward(&self, x: &mut Matrix<f64>) {
        for (j, (mean, sd)) in self.mean.iter().zip(&self.sd).enumerate() {
            x.col_mut(j).iter_mut().for_each(|v| *v = (*v - mean) / sd);
        }
    }

    /// x = mean + sd z, in place.
    ///
    /// # Panics
    /// If `z` has fewer columns than this has means.
    pub fn inverse(&self, z: &mut Matrix<f64>) {
        for (j, (mean, sd)) in self.mean.iter().zip(&self.sd).enumerate() {
            z.col_mut(j).iter_mut().for_each(|v| *v = mean + sd * *v);
        }
    }

    /// sum of log sd: log p(x) = log p(z) - `log_det`.
    pub fn log_det(&self) -> f64 {
        self.sd.iter().map(|sd| sd.ln()).sum()
    }
}

impl Table {
    /// Minimum, maximum, mean and standard deviation of each column.
    pub fn summary(&self) -> Vec<ColumnSummary> {
        (0..self.n_cols()).map(|j| summarise(&self.names[j], self.columns.col(j))).collect()
    }

    /// Refuses a column without spread.
    ///
    /// # Errors
    /// [`DataError::TooFewRows`] for a single row; [`DataError::ConstantColumn`] names the first column whose values are
    /// all equal.
    pub fn check_constant_columns(&self) -> Result<(), DataError> {
        if self.n_rows() < 2 {
            return Err(DataError::TooFewRows { file: self.source.clone(), n_rows: self.n_rows() });
        }
        for (j, name) in self.names.iter().enumerate() {
            let x = self.columns.col(j);
            if let Some(&value) = x.first().filter(|first| x.iter().all(|v| v == *first)) {
                let (file, name) = (self.source.clone(), name.clone());
                return Err(DataError::ConstantColumn { file, column: j + 1, name, value });
            }
        }
        Ok(())
    }

    /// The table in units where each column has mean 0 and variance 1 (divisor n), and the map that made it.
    ///
    /// # Errors
    /// [`DataError::TooFewRows`], [`DataError::ConstantColumn`].
    pub fn standardize(&self) -> Result<(Table, Standardization), DataError> {
        self.check_constant_columns()?;
        let summary = self.summary();
        let map = Standardization {
            mean: summary.iter().map(|s| s.mean).collect(),
            sd: summary.iter().map(|s| s.sd).collect(),
        };
        let mut table = self.clone();
        map.forward(&mut table.columns);
        Ok((table, map))
    }

    /// Rows to train on and rows held out, `round(fraction * n_rows)` of them but at least one unless the fraction is 0;
    /// both in ascending order. The held-out rows are those with the smallest uniforms of the shuffle stream, so the
    /// split depends on `seed` and the number of rows only.
    ///
    /// # Errors
    /// [`DataError::Split`] if the fraction is outside [0, 1) or would leave no row to train on.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), DataError> {
        let n = self.n_rows();
        let n_valid = if fraction == 0.0 { 0 } else { ((fraction * n as f64).round() as usize).max(1) };
        if !(0.0..1.0).contains(&fraction) || n_valid >= n {
            return Err(DataError::Split { file: self.source.clone(), fraction, n_rows: n });
        }
        let mut streams = Streams::new(seed, Run::Data);
        let keys = streams.uniforms(Purpose::Shuffle, n, 1).col(0);
        let mut rows: Vec<usize> = (0..n).collect();
        rows.sort_unstable_by(|&a, &b| keys[a].total_cmp(&keys[b]).then(a.cmp(&b)));
        let mut train = rows.split_off(n_valid);
        train.sort_unstable();
        rows.sort_unstable();
        Ok((train, rows))
    }
}

/// Moments of `x / max|x|`, so that no square overflows or vanishes.
fn summarise(name: &str, x: &[f64]) -> ColumnSummary {
    let min = x.iter().copied().fold(f64::INFINITY, f64::min);
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let n = x.len() as f64;
    let scale = if min == max { 1.0 } else { min.abs().max(max.abs()) };
    let mean = if min == max { min } else { x.iter().map(|v| v / scale).sum::<f64>() / n };
    let variance = x.iter().map(|v| (v / scale - mean).powi(2)).sum::<f64>() / n;
    ColumnSummary { name: name.into(), min, max, mean: scale * mean, sd: scale * variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&[f64]]) -> Table {
        let names = (1..=columns.len()).map(|j| format!("c{j}")).collect();
        Table::from_columns("t", names, Matrix::from_columns(columns[0].len(), columns.len(), columns.concat()))
    }

    #[test]
    fn standardised_columns_have_unit_moments_and_map_back() {
        let t = table(&[&[1.0, 2.0, 3.0, 6.0], &[1e308, -1e308, 0.0, 1e308], &[0.0, 5e-324, 1e-300, 3e-300]]);
        let (z, map) = t.standardize().unwrap();
        assert_eq!(map.mean[0], 3.0);
        assert!((map.sd[0] - 3.5f64.sqrt()).abs() < 1e-15);
        for s in z.summary() {
            assert!(s.mean.abs() < 1e-15 && (s.sd - 1.0).abs() < 1e-14, "{s:?}");
        }
        let mut back = z.columns;
        map.inverse(&mut back);
        for (a, b) in back.as_slice().iter().zip(t.columns.as_slice()) {
            assert!((a - b).abs() <= 1e-15 * b.abs().max(1e-299), "{a} {b}");
        }
    }

    #[test]
    fn constant_columns_are_named() {
        let error = table(&[&[1.0, 2.0], &[0.1, 0.1]]).standardize().unwrap_err();
        assert_eq!(error.to_string(), "t: column 2 \"c2\" is constant: every row is 0.1");
        assert_eq!(error.hint().unwrap(), "leave it out with --ignore c2");
        let one = table(&[&[1.0], &[2.0]]).check_constant_columns().unwrap_err();
        assert_eq!(one.to_string(), "t: 1 row is not enough: a fit needs 2 or more");
        assert_eq!(table(&[&[0.1; 7]]).summary()[0].sd, 0.0);
    }

    #[test]
    fn splits_are_partitions_fixed_by_the_seed() {
        let t = table(&[&[0.0; 1000]]);
        let (train, valid) = t.split(0.1, 7).unwrap();
        assert_eq!((train.len(), valid.len()), (900, 100));
        let mut all = [train.clone(), valid.clone()].concat();
        all.sort();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        assert_eq!(t.split(0.1, 7).unwrap(), (train, valid.clone()));
        assert_ne!(t.split(0.1, 8).unwrap().1, valid);
        // Held-out rows are spread: their mean position is within 4 standard errors of the middle.
        let mean = valid.iter().sum::<usize>() as f64 / 100.0;
        assert!((mean - 499.5).abs() < 4.0 * 288.7 / 10.0, "{mean}");
        assert!(t.split(0.0, 7).unwrap().1.is_empty());
        assert_eq!(t.split(1e-9, 7).unwrap().1.len(), 1);
        for bad in [1.0, -0.1, f64::NAN, 0.9999] {
            assert!(matches!(t.split(bad, 7), Err(DataError::Split { .. })), "{bad}");
        }
    }
}
