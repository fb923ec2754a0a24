//! Accept or reject, written once (Metropolis et al. 1953; Hastings 1970), and the state that the kernels on real
//! coordinates share. A kernel writes its proposal and the log of the acceptance ratio; `Chains::metropolis` decides.

pub(super) use super::on_grid;
use super::{Cache, ChainState, Info};
use crate::points::{Matrix, Points};
use crate::simd::{simd_fn, sum};

/// A block of chains: where they are, what the kernel caches there, the proposal, and workspaces.
#[derive(Clone, Debug)]
pub struct Chains {
    pub(super) x: Points,
    pub(super) energy: Vec<f64>,
    /// Gradient at `x`, of kernels of labels the slopes there; no columns for kernels that use none.
    pub(super) grad: Matrix<f64>,
    /// The proposal, its energy and its gradient.
    pub(super) y: Points,
    pub(super) energy_y: Vec<f64>,
    pub(super) grad_y: Matrix<f64>,
    /// Momenta; no columns but for Hamiltonian kernels.
    pub(super) momentum: Matrix<f64>,
    /// Step size of each chain, for kernels that jitter it.
    pub(super) eps: Vec<f64>,
    /// Log of the acceptance ratio of each chain, written by the kernel; overwritten by the decision.
    pub(super) log_ratio: Vec<f64>,
    /// 1 where the last proposal was accepted, -1 where it diverged, else 0.
    pub(super) accepted: Vec<f64>,
    /// Total energy at the start of the last transition; empty but for Hamiltonian kernels.
    pub(super) hamiltonian: Vec<f64>,
    /// Whether `accepted` is known to be 1 throughout.
    all_accepted: bool,
    version: u64,
}

impl ChainState for Chains {
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
        (self.grad.n_cols() > 0 && self.x.label.n_cols() == 0).then_some(&self.grad)
    }

    fn cache(&mut self) -> Option<Cache<'_>> {
        // Kernels of labels keep slopes in the place of gradients.
        let is_real = self.x.label.n_cols() == 0;
        is_real.then_some(Cache {
            x: &self.x,
            energy: &mut self.energy,
            grad: &mut self.grad,
            version: &mut self.version,
        })
    }

    fn hamiltonian(&self) -> &[f64] {
        &self.hamiltonian
    }

    fn diverged(&self, i: usize) -> bool {
        self.accepted[i] < 0.0
    }
}

impl Chains {
    /// Chains at `x` with room for gradients of `d_grad` columns and momenta of `d_momentum` columns; nothing evaluated yet.
    pub(super) fn new(x: Points, d_grad: usize, d_momentum: usize) -> Self {
        let n = x.n();
        Self {
            energy: vec![f64::NAN; n],
            grad: Matrix::new(n, d_grad),
            y: x.clone(),
            energy_y: vec![f64::NAN; n],
            grad_y: Matrix::new(n, d_grad),
            momentum: Matrix::new(n, d_momentum),
            eps: vec![0.0; if d_momentum > 0 { n } else { 0 }],
            log_ratio: vec![0.0; n],
            accepted: vec![0.0; n],
            hamiltonian: vec![f64::NAN; if d_momentum > 0 { n } else { 0 }],
            all_accepted: false,
            version: 0,
            x,
        }
    }

    /// Which chains accepted their last proposal.
    pub fn accepted(&self) -> impl Iterator<Item = bool> + '_ {
        self.accepted.iter().map(|&a| a > 0.0)
    }

    /// Notes the version of the energy whose values are cached, and lets proposals carry the labels of `x`.
    pub(super) fn mark_fresh(&mut self, version: u64) {
        self.version = version;
        self.y.label.as_mut_slice().copy_from_slice(self.x.label.as_slice());
    }

    /// In debug builds: panics when the energy has changed since the cache was filled.
    #[inline]
    pub(super) fn check_fresh(&self, version: u64) {
        debug_assert_eq!(self.version, version, "stale cache: call Kernel::refresh after the energy has changed");
    }

    /// Starts the log ratios with `E(x) - E(y)`.
    pub(super) fn start_log_ratio(&mut self) {
        subtract(&self.energy, &self.energy_y, &mut self.log_ratio);
    }

    /// Moves each chain to its proposal with probability `min(1, exp(log_ratio))`, given uniforms `u`.
    ///
    /// A log ratio that is NaN, `+inf`, or below `floor` is a divergence: rejected and counted. With `floor = -inf` a
    /// proposal of energy `+inf` is an ordinary rejection, with `floor = f64::MIN` it is a divergence.
    /// Acceptance probabilities are summed on a grid of 2^-24, so that their sum is exact and depends on no grouping
    /// of the chains.
    pub(super) fn metropolis(&mut self, u: &[f64], floor: f64) -> Info {
        let n = self.x.n();
        self.all_accepted = false;
        let (sum_accept, n_diverged) = decide(&mut self.log_ratio, u, floor, &mut self.accepted);
        take(&self.accepted, &self.energy_y, &mut self.energy);
        take(&self.accepted, self.y.real.as_slice(), self.x.real.as_mut_slice());
        take(&self.accepted, self.grad_y.as_slice(), self.grad.as_mut_slice());
        take_labels(&self.accepted, self.y.label.as_slice(), self.x.label.as_mut_slice());
        Info { n: n as u64, sum_accept: sum_accept.into(), n_diverged, n_evals: n as u64, n_truncated: 0 }
    }

    /// Moves every chain to its proposal; energies are left to the caller.
    pub(super) fn move_all(&mut self) -> Info {
        if !self.all_accepted {
            self.accepted.fill(1.0);
            self.all_accepted = true;
        }
        std::mem::swap(&mut self.x.real, &mut self.y.real);
        std::mem::swap(&mut self.grad, &mut self.grad_y);
        let n = self.x.n() as u64;
        Info { n, sum_accept: (n as f64).into(), n_diverged: 0, n_evals: n, n_truncated: 0 }
    }

    /// Moves every chain to its proposal, unless that is non-finite (in position or energy): such a chain stays where it
    /// was and is counted as diverged. `all_finite` says that the positions are known to be finite.
    pub(super) fn move_where_finite(&mut self, all_finite: bool) -> Info {
        let n = self.x.n();
        let n_bad_energy = count_non_finite(&self.energy_y);
        if all_finite && n_bad_energy == 0 {
            std::mem::swap(&mut self.energy, &mut self.energy_y);
            return self.move_all();
        }
        self.all_accepted = false;
        for i in 0..n {
            let finite = self.energy_y[i].is_finite() && (0..self.y.dim()).all(|j| self.y.real.get(i, j).is_finite());
            self.accepted[i] = if finite { 1.0 } else { -1.0 };
        }
        take(&self.accepted, &self.energy_y, &mut self.energy);
        take(&self.accepted, self.y.real.as_slice(), self.x.real.as_mut_slice());
        take(&self.accepted, self.grad_y.as_slice(), self.grad.as_mut_slice());
        let n_moved = self.accepted().filter(|moved| *moved).count();
        let (n, n_diverged) = (n as u64, (n - n_moved) as u64);
        Info { n, sum_accept: (n_moved as f64).into(), n_diverged, n_evals: n, n_truncated: 0 }
    }
}

/// Scale of coordinate `j`; an empty slice means ones.
#[inline(always)]
pub(super) fn scale_of(scale: &[f64], j: usize) -> f64 {
    scale.get(j).copied().unwrap_or(1.0)
}

simd_fn! {
    /// Turns log ratios into acceptance probabilities (in place) and decisions; returns their sum and the divergences.
    fn decide(log_ratio: &mut [f64], u: &[f64], floor: f64, accepted: &mut [f64]) -> (f64, u64) {
        let n = log_ratio.len();
        let (u, accepted) = (&u[..n], &mut accepted[..n]);
        let mut n_diverged = 0u64;
        for i in 0..n {
            let r = log_ratio[i];
            let sane = (r >= floor) & (r < f64::INFINITY);
            let p = if sane { exp_to_one(r) } else { 0.0 };
            n_diverged += u64::from(!sane);
            let moves = if u[i] < p { 1.0 } else { 0.0 };
            accepted[i] = if sane { moves } else { -1.0 };
            log_ratio[i] = on_grid(p);
        }
        (sum(log_ratio), n_diverged)
    }
}

simd_fn! {
    /// `out = a - b`.
    fn subtract(a: &[f64], b: &[f64], out: &mut [f64]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = a - b;
        }
    }
}

simd_fn! {
    /// Copies the rows that were accepted, column after column.
    pub(super) fn take(accepted: &[f64], from: &[f64], to: &mut [f64]) {
        let n = accepted.len();
        if n == 0 {
            return;
        }
        for (from, to) in from.chunks_exact(n).zip(to.chunks_exact_mut(n)) {
            for i in 0..n {
                let (new, old) = (from[i], to[i]);
                to[i] = if accepted[i] > 0.0 { new } else { old };
            }
        }
    }
}

simd_fn! {
    /// The same of labels.
    fn take_labels(accepted: &[f64], from: &[u8], to: &mut [u8]) {
        let n = accepted.len();
        if n == 0 {
            return;
        }
        for (from, to) in from.chunks_exact(n).zip(to.chunks_exact_mut(n)) {
            for i in 0..n {
                let (new, old) = (from[i], to[i]);
                to[i] = if accepted[i] > 0.0 { new } else { old };
            }
        }
    }
}

simd_fn! {
    /// How many elements are NaN or infinite.
    pub(super) fn count_non_finite(x: &[f64]) -> u64 {
        let mut n = 0u64;
        for v in x {
            n += u64::from(!v.is_finite());
        }
        n
    }
}

/// `min(1, exp(r))`, to 1 unit in the last place; 0 below -700. The same bits on every instruction set.
#[inline(always)]
pub(super) fn exp_to_one(r: f64) -> f64 {
    let inside = if r < 0.0 { r } else { 0.0 };
    let inside = if inside > -700.0 { inside } else { -700.0 };
    // exp(r) = 2^k exp(f) with |f| <= ln(2) / 2; 1.5 * 2^52 added rounds to an integer, found in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = inside.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let f = k.mul_add(-6.931_471_803_691_238e-1, inside);
    let f = k.mul_add(-1.908_214_929_270_587_7e-10, f);
    // Taylor coefficients 1/k!; the next term is below 1e-17 on the interval.
    let mut p = 1.0 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = f.mul_add(p, c);
    }
    let power = f64::from_bits((shifted.to_bits().wrapping_add(1023)) << 52);
    let value = p * power;
    if r > -700.0 { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in 0..200_000 {
            let r = -(i as f64) * 0.003_33;
            let (a, b) = (exp_to_one(r), r.exp());
            assert!((a - b).abs() <= 3e-16 * b, "{r}: {a} {b}");
        }
        assert_eq!(exp_to_one(0.0), 1.0);
        assert_eq!(exp_to_one(5.0), 1.0);
        assert_eq!(exp_to_one(-1e300), 0.0);
        assert_eq!(exp_to_one(f64::MIN), 0.0);
    }

    fn chains(log_ratio: &[f64]) -> Chains {
        let n = log_ratio.len();
        let mut c = Chains::new(Points::zeros(n, 1), 0, 0);
        c.y = Points::from_real(Matrix::from_fn(n, 1, |i, _| 1.0 + i as f64));
        c.log_ratio.copy_from_slice(log_ratio);
        c
    }

    #[test]
    fn non_finite_ratios_are_rejected_and_counted() {
        let ratios = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -1e5, -0.1];
        let mut c = chains(&ratios);
        let info = c.metropolis(&[1e-9; 6], f64::MIN);
        assert_eq!(info.n_diverged, 3);
        assert_eq!(c.x.real.col(0), &[0.0, 0.0, 0.0, 4.0, 0.0, 6.0]);
        assert!((info.sum_accept.value() - 1.0 - (-0.1f64).exp()).abs() < 1e-7);
        // Outside of the support is an ordinary rejection where the kernel says so, and a large energy error is not.
        assert_eq!(chains(&ratios).metropolis(&[1e-9; 6], f64::NEG_INFINITY).n_diverged, 2);
        assert_eq!(chains(&ratios).metropolis(&[1e-9; 6], -1000.0).n_diverged, 4);
    }

    #[test]
    fn sums_of_acceptance_do_not_depend_on_the_grouping() {
        let ratios: Vec<f64> = (0..1000).map(|i| -((i * 37 % 1000) as f64) / 300.0).collect();
        let u = vec![0.5; 1000];
        let whole = chains(&ratios).metropolis(&u, f64::MIN).sum_accept;
        for block in [1, 7, 64, 300] {
            let parts: crate::kernel::AcceptSum =
                ratios.chunks(block).map(|r| chains(r).metropolis(&u, f64::MIN).sum_accept).sum();
            assert_eq!(parts, whole);
        }
    }
}
