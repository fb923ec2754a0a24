//! The preconditioner from the draws and gradients of a window, pooled over all chains (Seyboldt, Carlson and Carpenter 2024,
//! "Preconditioning Hamiltonian Monte Carlo by minimizing Fisher divergence").
//!
//! Draws alone know the covariance to one part in the root of their number. Of a Gaussian, gradients are the draws through
//! the inverse covariance, so that the two together give it exactly once they span the space.

use faer::{Mat, Side};

use crate::kernel::{ChainState, Metric};
use crate::points::Matrix;

/// Rows of draws that are kept for the low-rank part.
const MAX_ROWS: usize = 2048;

/// Coordinates beyond which a metric stays diagonal: eigenvectors cost their cube.
const MAX_DIM: usize = 512;

/// Weight, in draws, of the metric that was there before (as Stan's regularisation).
const PRIOR_DRAWS: f64 = 5.0;

/// Directions are kept where the variance that the scales leave is not 1 within this factor.
const CUTOFF: f64 = 2.0;

/// Which draws of a window are kept for the low-rank part: those of every `chains`-th chain at every `steps`-th step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thinning {
    chains: usize,
    steps: usize,
}

impl Thinning {
    /// For a window of `n_steps` transitions of `n_chains` chains.
    pub(super) fn new(n_chains: usize, n_steps: usize) -> Self {
        // At least eight steps of each chain that is looked at, so that its mean can be taken off.
        let chains = (n_chains * n_steps.min(8)).div_ceil(MAX_ROWS).max(1);
        let steps = (n_chains.div_ceil(chains) * n_steps).div_ceil(MAX_ROWS).max(1);
        Self { chains, steps }
    }
}

/// What is collected of a block of chains.
pub(super) struct Collected {
    first_chain: usize,
    thinning: Thinning,
    n_seen: usize,
    x: Moments,
    grad: Option<Moments>,
    /// Sum of the energies of each chain.
    energy: Vec<f64>,
    /// Chains of the block that the metric leaves out.
    left_out: Vec<bool>,
    /// The draws and gradients kept, one matrix per step.
    kept: Vec<(Matrix<f64>, Matrix<f64>)>,
}

impl Collected {
    /// Nothing yet, of the chains from `first_chain` on.
    pub(super) fn new(first_chain: usize, state: &impl ChainState, thinning: Thinning) -> Self {
        let (n, d) = (state.x().n(), state.x().dim());
        let grad = state.grad().map(|_| Moments::new(n, d));
        let x = Moments::new(n, d);
        let (energy, left_out) = (vec![0.0; n], vec![false; n]);
        Self { first_chain, thinning, n_seen: 0, x, grad, energy, left_out, kept: Vec::new() }
    }

    /// Adds the present state of every chain.
    pub(super) fn add(&mut self, state: &impl ChainState) {
        let x = &state.x().real;
        self.x.add(x);
        self.energy.iter_mut().zip(state.energy()).for_each(|(sum, e)| *sum += e);
        if let (Some(moments), Some(grad)) = (&mut self.grad, state.grad()) {
            moments.add(grad);
            if self.n_seen.is_multiple_of(self.thinning.steps) && (2..=MAX_DIM).contains(&x.n_cols()) {
                let rows = self.kept_rows();
                self.kept.push((x.select(&rows), grad.select(&rows)));
            }
        }
        self.n_seen += 1;
    }

    /// Draws of each chain so far.
    pub(super) fn n_seen(&self) -> usize {
        self.n_seen
    }

    /// Number of coordinates.
    pub(super) fn dim(&self) -> usize {
        self.x.mean.n_cols()
    }

    /// Mean energy of each chain, and `sum_j ln(var_j) / 2`.
    pub(super) fn energies_and_log_volumes(&self) -> impl Iterator<Item = (f64, f64)> {
        self.energy.iter().enumerate().map(|(i, sum)| {
            let log_volume = (0..self.dim()).map(|j| 0.5 * (self.x.m2.get(i, j) / (self.x.n - 1.0)).ln()).sum();
            (sum / self.n_seen as f64, log_volume)
        })
    }

    /// Leaves these chains, numbered over all blocks, out of the metric.
    pub(super) fn leave_out(&mut self, chains: &[usize]) {
        for chain in chains {
            if let Some(out) = chain.checked_sub(self.first_chain).and_then(|i| self.left_out.get_mut(i)) {
                *out = true;
            }
        }
    }

    /// The variances of coordinate `j` in `moments` of the chains that are not left out.
    fn variances<'a>(&'a self, moments: &'a Moments, j: usize) -> impl Iterator<Item = f64> + 'a {
        let in_order = moments.m2.col(j).iter().zip(&self.left_out);
        in_order.filter(|(_, out)| !**out).map(|(m2, _)| m2 / (moments.n - 1.0))
    }

    /// The rows of the block that are kept for the low-rank part.
    fn kept_rows(&self) -> Vec<usize> {
        let n = self.left_out.len();
        (0..n).filter(|i| (self.first_chain + i).is_multiple_of(self.thinning.chains)).collect()
    }
}

/// Running mean and sum of squared deviations of each coordinate of each chain (Welford 1962).
struct Moments {
    n: f64,
    mean: Matrix<f64>,
    m2: Matrix<f64>,
}

impl Moments {
    fn new(n_rows: usize, dim: usize) -> Self {
        Self { n: 0.0, mean: Matrix::new(n_rows, dim), m2: Matrix::new(n_rows, dim) }
    }

    fn add(&mut self, x: &Matrix<f64>) {
        self.n += 1.0;
        for j in 0..self.mean.n_cols() {
            let (mean, m2) = (self.mean.col_mut(j), self.m2.col_mut(j));
            for (i, x) in x.col(j).iter().enumerate() {
                let delta = x - mean[i];
                mean[i] += delta / self.n;
                m2[i] += delta * (x - mean[i]);
            }
        }
    }
}

/// Mean of the variances of all chains, in their order, whatever the blocks.
fn mean_of(variances: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut n) = (0.0, 0.0);
    for v in variances {
        total += v;
        n += 1.0;
    }
    total / n
}

/// The metric of a window, shrunk towards the present one by the weight of five draws.
///
/// Scales: `s_j^2 = sqrt(Var(x_j) / Var(dE/dx_j))`, which minimises the Fisher divergence between the target and a Gaussian of
/// independent coordinates; `Var(x_j)` for kernels without gradients. Directions: eigenvectors of the geometric mean of the
/// covariance of the draws and the inverse covariance of the gradients, in scaled coordinates, with eigenvalues beyond
/// [`CUTOFF`]. Variances are within chains, not over all draws: where chains stay in different modes, steps must fit a mode,
/// not the distance of the modes; and for chains that mix, the two agree. A scale that is zero or not finite is left as it was.
pub(super) fn update(present: &Metric, blocks: &[Collected]) -> Metric {
    let Some(first) = blocks.first().filter(|b| b.n_seen >= 2) else { return present.clone() };
    let dim = first.x.mean.n_cols();
    let n_chains = blocks.iter().flat_map(|b| &b.left_out).filter(|out| !**out).count();
    let n = (n_chains * first.n_seen) as f64;
    let mut scale = present.scale().to_vec();
    scale.resize(dim, 1.0);
    for (j, s) in scale.iter_mut().enumerate() {
        let var_x = mean_of(blocks.iter().flat_map(|b| b.variances(&b.x, j)));
        let of_grad = blocks.iter().filter_map(|b| Some(b.variances(b.grad.as_ref()?, j)));
        let estimate = match &first.grad {
            Some(_) => (var_x / mean_of(of_grad.flatten())).sqrt(),
            None => var_x,
        };
        let variance = (n * estimate + PRIOR_DRAWS * *s * *s) / (n + PRIOR_DRAWS);
        if variance > 0.0 && variance.is_finite() && var_x > 0.0 {
            *s = variance.sqrt();
        }
    }
    match directions(&scale, blocks) {
        Some((vectors, stretch)) => Metric::low_rank(scale, vectors, stretch),
        None => Metric::diagonal(scale),
    }
}

/// Directions and standard deviations along them that the scales leave; none where draws or gradients are too few or not
/// finite.
fn directions(scale: &[f64], blocks: &[Collected]) -> Option<(Matrix<f64>, Vec<f64>)> {
    let d = scale.len();
    let x = deviations(blocks, |(x, _)| x, |j, v| v / scale[j])?;
    let g = deviations(blocks, |(_, g)| g, |j, v| v * scale[j])?;
    let mean = geometric_mean(&second_moments(&x, d), &second_moments(&g, d))?;
    let eigen = mean.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let is_far = |v: f64| !(1.0 / CUTOFF..=CUTOFF).contains(&v);
    let direction = |k: usize| (0..d).map(|j| vectors[(j, k)]).collect::<Vec<_>>();
    let chosen: Vec<usize> =
        (0..d).filter(|k| is_far(values[*k]) && replicates(&x, &g, &direction(*k), values[*k] > 1.0)).collect();
    let stretch: Vec<f64> = chosen.iter().map(|k| values[*k].sqrt()).collect();
    let usable = !chosen.is_empty() && stretch.iter().all(|r| *r > 0.0 && r.is_finite());
    usable.then(|| (Matrix::from_fn(d, chosen.len(), |j, q| vectors[(j, chosen[q])]), stretch))
}

/// Whether both halves of the chains find the variance along a direction on the same side of 1, by the root of [`CUTOFF`] at least:
/// `sqrt(sum (x . v)^2 / sum (g . v)^2)`. Heavy tails make directions of single excursions, which only one half knows.
fn replicates(x: &Mat<f64>, g: &Mat<f64>, direction: &[f64], is_long: bool) -> bool {
    let n = x.nrows();
    let along = |rows: &Mat<f64>, i: usize| (0..direction.len()).map(|j| rows[(i, j)] * direction[j]).sum::<f64>();
    [0..n / 2, n / 2..n].into_iter().all(|half| {
        let squares = |rows: &Mat<f64>| half.clone().map(|i| along(rows, i).powi(2)).sum::<f64>();
        let variance = (squares(x) / squares(g)).sqrt();
        if is_long { variance > CUTOFF.sqrt() } else { variance < CUTOFF.sqrt().recip() }
    })
}

/// The kept rows of all chains, each less the mean of its chain, scaled; shape `(rows, d)`. Chains come in their order.
fn deviations<'a>(
    blocks: &'a [Collected],
    pick: impl Fn(&'a (Matrix<f64>, Matrix<f64>)) -> &'a Matrix<f64>,
    scaled: impl Fn(usize, f64) -> f64,
) -> Option<Mat<f64>> {
    let n_steps = blocks.first()?.kept.len();
    let d = blocks.first()?.x.mean.n_cols();
    let rows_of = |b: &Collected| {
        let rows = if b.kept.is_empty() { Vec::new() } else { b.kept_rows() };
        (0..rows.len()).filter(|i| !b.left_out[rows[*i]]).collect::<Vec<_>>()
    };
    let kept: Vec<Vec<usize>> = blocks.iter().map(rows_of).collect();
    let n_chains: usize = kept.iter().map(Vec::len).sum();
    if n_steps < 3 || n_chains * (n_steps - 1) < 2 * d {
        return None;
    }
    let mut rows = Mat::zeros(n_chains * n_steps, d);
    let shrinks = ((n_steps - 1) as f64).sqrt().recip() * (n_chains as f64).sqrt().recip();
    for j in 0..d {
        let mut row = 0;
        for (b, kept) in blocks.iter().zip(&kept) {
            for i in kept {
                let chain = || b.kept.iter().map(|k| pick(k).get(*i, j));
                let mean = chain().sum::<f64>() / n_steps as f64;
                for v in chain() {
                    rows[(row, j)] = scaled(j, v - mean) * shrinks;
                    row += 1;
                }
            }
        }
    }
    let finite = rows.col_iter().all(|c| c.iter().all(|v| v.is_finite()));
    finite.then_some(rows)
}

/// `(rows' rows + c I) / (1 + c)`: the prior of unit variances with the weight of [`PRIOR_DRAWS`].
fn second_moments(rows: &Mat<f64>, d: usize) -> Mat<f64> {
    let c = PRIOR_DRAWS / rows.nrows() as f64;
    let mut m = rows.transpose() * rows;
    for j in 0..d {
        m[(j, j)] += c;
    }
    let shrink = 1.0 / (1.0 + c);
    m * faer::Scale(shrink)
}

/// The symmetric S with `S G S = X`: `G^-1/2 (G^1/2 X G^1/2)^1/2 G^-1/2`, the geometric mean of X and the inverse of G.
fn geometric_mean(x: &Mat<f64>, g: &Mat<f64>) -> Option<Mat<f64>> {
    let (root, inverse_root) = roots(g)?;
    let (inner, _) = roots(&(&root * x * &root))?;
    Some(&inverse_root * inner * &inverse_root)
}

/// Square root of a positive definite matrix, and the inverse of that root.
fn roots(a: &Mat<f64>) -> Option<(Mat<f64>, Mat<f64>)> {
    let n = a.nrows();
    let eigen = a.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, u) = (eigen.S().column_vector(), eigen.U());
    if !(0..n).all(|k| values[k] > 0.0) {
        return None;
    }
    let with = |f: fn(f64) -> f64| {
        let scaled = Mat::from_fn(n, n, |i, k| u[(i, k)] * f(values[k].sqrt()));
        scaled * u.transpose()
    };
    Some((with(|r| r), with(f64::recip)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::Points;

    /// Draws and gradients at rest.
    struct Rows {
        x: Points,
        grad: Matrix<f64>,
        energy: Vec<f64>,
    }

    impl ChainState for Rows {
        fn x(&self) -> &Points {
            &self.x
        }
        fn x_mut(&mut self) -> &mut Points {
            &mut self.x
        }
        fn energy(&self) -> &[f64] {
            &self.energy
        }
        fn grad(&self) -> Option<&Matrix<f64>> {
            (self.grad.n_cols() > 0).then_some(&self.grad)
        }
    }

    fn collect(
        rows: std::ops::Range<usize>,
        n_steps: usize,
        x: &dyn Fn(usize, usize) -> Vec<f64>,
        precision: Option<&Matrix<f64>>,
    ) -> Collected {
        let state = |t: usize| {
            let all: Vec<Vec<f64>> = rows.clone().map(|i| x(i, t)).collect();
            let points = Points::from_rows(&all);
            let d = points.dim();
            let grad = precision.map_or(Matrix::new(all.len(), 0), |p| {
                Matrix::from_fn(all.len(), d, |i, j| (0..d).map(|k| p.get(j, k) * all[i][k]).sum())
            });
            Rows { energy: vec![0.0; all.len()], x: points, grad }
        };
        let mut collected = Collected::new(rows.start, &state(0), Thinning::new(10, n_steps));
        (0..n_steps).for_each(|t| collected.add(&state(t)));
        collected
    }

    #[test]
    fn without_gradients_scales_are_the_spread_within_chains_whatever_the_blocks() {
        let x = |i: usize, t: usize| vec![(i as f64) * 100.0 + ((t * 7 + i * 3) % 11) as f64];
        let fill = |rows: std::ops::Range<usize>| collect(rows, 1100, &x, None);
        let one = update(&Metric::default(), &[fill(0..10)]);
        let two = update(&Metric::default(), &[fill(0..3), fill(3..10)]);
        assert_eq!(one, two);
        assert!((one.scale()[0] - 10.0f64.sqrt()).abs() < 0.01, "{one:?}");
    }

    /// Few correlated draws of a Gaussian and their gradients give its covariance exactly, up to the prior.
    #[test]
    fn draws_and_gradients_of_a_gaussian_give_its_covariance() {
        let d = 4;
        let covariance = Matrix::from_fn(d, d, |i, j| {
            let s = [1.0, 10.0, 0.1, 3.0];
            s[i] * s[j] * 0.95f64.powi((i as i32 - j as i32).abs())
        });
        let c = Mat::from_fn(d, d, |i, j| covariance.get(i, j));
        let p = {
            use faer::linalg::solvers::DenseSolveCore;
            c.partial_piv_lu().inverse()
        };
        let precision = Matrix::from_fn(d, d, |i, j| p[(i, j)]);
        let factor = c.llt(Side::Lower).unwrap();
        let z = |i: usize, t: usize, j: usize| (((i * 131 + t * 71 + j * 37) % 97) as f64 / 97.0 - 0.5) * 3.4;
        let x = |i: usize, t: usize| {
            (0..d).map(|a| (0..=a).map(|b| factor.L()[(a, b)] * z(i, t, b)).sum()).collect::<Vec<f64>>()
        };
        let metric = update(&Metric::default(), &[collect(0..10, 200, &x, Some(&precision))]);
        // A A' against the covariance, through A e_j.
        let mut a = vec![0.0; d * d];
        let identity = Matrix::from_fn(d, d, |i, j| f64::from(u8::from(i == j)));
        metric.spread(d, identity.as_slice(), &mut a);
        for i in 0..d {
            for j in 0..d {
                // Row r of the batch is A e_r.
                let got: f64 = (0..d).map(|r| a[i * d + r] * a[j * d + r]).sum();
                let scale = (covariance.get(i, i) * covariance.get(j, j)).sqrt();
                assert!((got - covariance.get(i, j)).abs() < 0.15 * scale, "{i} {j}: {got} {}", covariance.get(i, j));
            }
        }
        assert!(metric.rank() >= 2, "{metric:?}");
    }
}
