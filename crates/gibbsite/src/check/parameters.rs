//! Parameters that do nothing to p(x): offsets of the energy and redundant combinations.

use crate::energy::Parametric;
use crate::points::{Matrix, Points};

/// What the statistics dE/dtheta say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Idle {
    /// Parameters that shift the energy by a constant.
    pub offset: Vec<usize>,
    /// Unit combinations of the other parameters that leave p(x) unchanged.
    pub redundant: Vec<Vec<f64>>,
}

/// Finds combinations of dE/dtheta that are constant over x: the null space of the centred features at random points.
pub fn idle<E: Parametric + ?Sized>(energy: &E, x: &Points) -> Idle {
    let (n, k) = (x.n(), energy.n_theta());
    if k == 0 || k > 1000 {
        return Idle::default();
    }
    let mut features = Matrix::new(n, k);
    energy.theta_features(x, &mut features);
    let rows: Vec<usize> = (0..n).filter(|&i| (0..k).all(|c| features.get(i, c).abs() < 1e100)).collect();
    if rows.len() < k + 2 {
        return Idle::default();
    }
    let mut out = Idle::default();
    let mut columns: Vec<(usize, f64, Vec<f64>)> = Vec::new();
    for c in 0..k {
        let column: Vec<f64> = rows.iter().map(|&i| features.get(i, c)).collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let top = column.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let centred: Vec<f64> = column.iter().map(|v| v - mean).collect();
        let spread = centred.iter().map(|v| v * v).sum::<f64>().sqrt();
        if spread > 1e-10 * top * (rows.len() as f64).sqrt() {
            columns.push((c, spread, centred.iter().map(|v| v / spread).collect()));
        } else if top > 0.0 {
            out.offset.push(c);
        } else {
            let mut v = vec![0.0; k];
            v[c] = 1.0;
            out.redundant.push(v);
        }
    }
    let m = columns.len();
    if m < 2 {
        return out;
    }
    let matrix = faer::Mat::from_fn(rows.len(), m, |i, j| columns[j].2[i]);
    let Ok(svd) = matrix.thin_svd() else { return out };
    let values: Vec<f64> = svd.S().column_vector().iter().copied().collect();
    let top = values.iter().copied().fold(0.0f64, f64::max);
    for (s, value) in values.iter().enumerate() {
        if *value < 1e-9 * top {
            let mut v = vec![0.0; k];
            for j in 0..m {
                v[columns[j].0] = svd.V()[(j, s)] / columns[j].1;
            }
            let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
            v.iter_mut().for_each(|a| *a = if (*a / norm).abs() < 1e-9 { 0.0 } else { *a / norm });
            out.redundant.push(v);
        }
    }
    out
}

/// A combination as text: `a`, or `0.71*a - 0.71*b`.
pub fn combination(v: &[f64], names: &[String]) -> String {
    let parts: Vec<(f64, &String)> = v.iter().zip(names).filter(|(c, _)| **c != 0.0).map(|(c, n)| (*c, n)).collect();
    if let [(_, name)] = parts[..] {
        return name.clone();
    }
    let sign = if parts.first().is_some_and(|p| p.0 < 0.0) { -1.0 } else { 1.0 };
    let mut text = String::new();
    for (i, (c, name)) in parts.iter().enumerate() {
        let c = c * sign;
        let joint = match (i, c < 0.0) {
            (0, _) => "",
            (_, true) => " - ",
            _ => " + ",
        };
        text.push_str(&format!("{joint}{:.3}*{name}", c.abs()));
    }
    text
}
