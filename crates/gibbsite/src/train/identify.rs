//! Which parameters the data could never determine: those that only shift the energy, and redundant ones.

use super::dense::Correlation;
use crate::energy::Parametric;
use crate::objective::mle::weighted_covariance;
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// What the features dE/dtheta say about the parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identified {
    /// Parameters whose dE/dtheta does not depend on x: they cancel in p(x).
    pub offsets: Vec<usize>,
    /// Groups of parameters of which only a combination matters.
    pub redundant: Vec<Vec<usize>>,
}

/// Looks at dE/dtheta of the parameters in `free` on a cloud around the data, at theta and at two thetas nearby: what is
/// degenerate at all three is reported. The energy's theta is as before on return.
pub fn identify<E: Parametric + ?Sized>(energy: &mut E, data: &Points, free: &[bool]) -> Identified {
    let p = energy.n_theta();
    let cloud = cloud(energy, data);
    let mut theta = vec![0.0; p];
    energy.read_theta(&mut theta);
    let mut found: Option<Identified> = None;
    for round in 0..3 {
        let moved: Vec<f64> =
            theta
                .iter()
                .enumerate()
                .map(|(k, t)| {
                    if free[k] { t + f64::from(round) * (0.11 + 0.07 * (k as f64).sin()) * (1.0 + t.abs()) } else { *t }
                })
                .collect();
        energy.set_theta(&moved);
        let Some(here) = degenerate(energy, &cloud, free) else { continue };
        found = Some(match found {
            None => here,
            Some(f) => Identified {
                offsets: f.offsets.into_iter().filter(|k| here.offsets.contains(k)).collect(),
                redundant: f.redundant.into_iter().filter(|g| here.redundant.contains(g)).collect(),
            },
        });
    }
    energy.set_theta(&theta);
    found.unwrap_or_default()
}

fn degenerate<E: Parametric + ?Sized>(energy: &E, cloud: &Points, free: &[bool]) -> Option<Identified> {
    let p = energy.n_theta();
    let mut f = Matrix::new(cloud.n(), p);
    energy.theta_features(cloud, &mut f);
    let rows: Vec<usize> = (0..cloud.n()).filter(|&i| (0..p).all(|k| f.get(i, k).is_finite())).collect();
    if rows.len() < 2 {
        return None;
    }
    let mut f = f.select(&rows);
    let offsets: Vec<usize> = (0..p)
        .filter(|&k| free[k])
        .filter(|&k| {
            let first = f.get(0, k);
            f.col(k).iter().all(|v| (v - first).abs() <= 1e-13 * first.abs())
        })
        .collect();
    let w = vec![1.0 / rows.len() as f64; rows.len()];
    let mut cov = Matrix::new(p, p);
    weighted_covariance(&mut f, &w, &mut cov);
    for k in (0..p).filter(|k| !free[*k] || offsets.contains(k)) {
        for l in 0..p {
            cov.set(k, l, 0.0);
            cov.set(l, k, 0.0);
        }
    }
    let redundant = Correlation::new(&cov, 0.0)?.dependencies();
    Some(Identified { offsets, redundant })
}

/// Up to 200 of the data and as many points scattered twice as widely around them, inside the support.
fn cloud<E: Parametric + ?Sized>(energy: &E, data: &Points) -> Points {
    let (n, d) = (data.n().min(200), data.dim());
    let stride = data.n() / n.max(1);
    let mut streams = Streams::new(0, Run::Probe);
    let xi = streams.normals(Purpose::Init, n, d);
    let sd = column_sd(data);
    let reals = &energy.space().reals;
    let x = Matrix::from_fn(2 * n, d, |i, j| {
        let at = data.real.get((i % n) * stride, j);
        if i < n {
            return at;
        }
        let moved = at + 2.0 * sd[j] * f64::from(xi.col(j)[i - n]);
        if reals[j].contains(moved) { moved } else { at }
    });
    Points::from_real(x)
}

/// Standard deviation of each coordinate; 1 for a constant one.
pub fn column_sd(data: &Points) -> Vec<f64> {
    let n = data.n() as f64;
    (0..data.dim())
        .map(|j| {
            let x = data.real.col(j);
            let mean = crate::objective::reduce::sum(x) / n;
            let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            if var > 0.0 { var.sqrt() } else { 1.0 }
        })
        .collect()
}
