//! Bounded coordinates on the whole line, so that every kernel works on positive, negative and interval variables.

use super::{Differentiable, Energy, Parametric};
use crate::math::{logistic, softplus};
use crate::points::{Matrix, Points, Space, Support};
use crate::run::Draws;
use crate::scratch;

/// `E'(u) = E(x(u)) - sum_j log |dx_j/du_j|`, where `x = a + softplus(u)` above a, `x = b - softplus(u)` below b,
/// `x = a + (b - a) / (1 + exp(-u))` between a and b, and `x = u` on the whole line; `softplus(u) = log(1 + exp(u))`.
///
/// Softplus, not the exponential, because it keeps tails: far from the bound x is u, so that an energy which grows like x
/// grows like u. Under `x = a + exp(u)` it would grow like exp(u), and there a Langevin or leapfrog step of any fixed size
/// is thrown back: chains stick in the tail for longer than a run takes, which no diagnostic sees.
///
/// If u has density proportional to `exp(-E')`, then x(u) has density proportional to `exp(-E)`, with the same Z. `x(u)` is
/// rounded to the inside of the support; where it overflows, `E' = +inf`.
#[derive(Clone, Debug)]
pub struct Transformed<E> {
    inner: E,
    space: Space,
    identity: bool,
}

impl<E: Energy> Transformed<E> {
    /// Maps the supports of the inner energy to the whole line.
    pub fn new(inner: E) -> Self {
        let mut space = inner.space().clone();
        let identity = space.is_unbounded();
        space.reals.fill(Support::Real);
        Self { inner, space, identity }
    }

    /// The energy in its own coordinates.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// `x(u)`.
    pub fn to_inner(&self, u: &Points) -> Points {
        let mut x = u.clone();
        self.write_inner(u, &mut x);
        x
    }

    /// `x(u)` of one point.
    pub fn point_to_inner(&self, u: Vec<f64>) -> Vec<f64> {
        self.to_inner(&Points::from_rows(&[u])).real.row(0)
    }

    /// `u(x)`; infinite or NaN for points on the edge or outside of the support.
    pub fn to_outer(&self, x: &Points) -> Points {
        let mut u = x.clone();
        for (j, support) in self.inner.space().reals.iter().enumerate() {
            u.real.col_mut(j).iter_mut().for_each(|v| *v = unconstrain(*support, *v));
        }
        u
    }

    /// Brings draws of u into the coordinates and energies of the inner energy.
    pub fn draws_to_inner(&self, draws: &mut Draws) {
        let supports = &self.inner.space().reals;
        draws.map_in_place(|j, u| constrain(supports[j], u));
        draws.evaluate(&self.inner);
    }

    fn write_inner(&self, u: &Points, x: &mut Points) {
        for (j, support) in self.inner.space().reals.iter().enumerate() {
            for (x, u) in x.real.col_mut(j).iter_mut().zip(u.real.col(j)) {
                *x = constrain(*support, *u);
            }
        }
    }

    /// Calls `f` with x(u) in a temporary buffer.
    fn with_inner<R>(&self, u: &Points, f: impl FnOnce(&Points) -> R) -> R {
        scratch::with_points(u, |x| {
            self.write_inner(u, x);
            f(x)
        })
    }

    /// Subtracts the log-Jacobian.
    fn correct(&self, u: &Points, e: &mut [f64]) {
        for (j, support) in self.inner.space().reals.iter().enumerate() {
            for (e, u) in e.iter_mut().zip(u.real.col(j)) {
                *e = if constrain(*support, *u).is_infinite() { f64::INFINITY } else { *e - log_slope(*support, *u) };
            }
        }
    }

    /// `dE/dx` to `dE'/du = dE/dx dx/du - d log |dx/du| / du`.
    fn correct_grad(&self, u: &Points, grad: &mut Matrix<f64>) {
        for (j, support) in self.inner.space().reals.iter().enumerate().filter(|(_, s)| **s != Support::Real) {
            for (g, u) in grad.col_mut(j).iter_mut().zip(u.real.col(j)) {
                let (slope, log_slope_grad) = slopes(*support, *u);
                *g = *g * slope - log_slope_grad;
            }
        }
    }
}

/// x(u), strictly inside the support unless it overflows.
pub(crate) fn constrain(support: Support, u: f64) -> f64 {
    match support {
        Support::Real => u,
        Support::Above(a) => at_least(a + softplus(u), a.next_up()),
        Support::Below(b) => at_most(b - softplus(u), b.next_down()),
        Support::Interval(a, b) => {
            // From the nearer end, so that both ends are resolved alike.
            let part = (b - a) * logistic(-u.abs());
            let x = if u < 0.0 { a + part } else { b - part };
            at_most(at_least(x, a.next_up()), b.next_down())
        }
    }
}

/// u(x).
fn unconstrain(support: Support, x: f64) -> f64 {
    match support {
        Support::Real => x,
        Support::Above(a) => softplus_inverse(x - a),
        Support::Below(b) => softplus_inverse(b - x),
        Support::Interval(a, b) => (x - a).ln() - (b - x).ln(),
    }
}

/// The u with softplus(u) = y, `log(exp(y) - 1) = y + log(1 - exp(-y))`: log(y) for small y, y for large; -inf at 0, NaN below.
fn softplus_inverse(y: f64) -> f64 {
    y + (-(-y).exp_m1()).ln()
}

/// log |dx/du|; of softplus it is `log(1 / (1 + exp(-u))) = -softplus(-u)`.
fn log_slope(support: Support, u: f64) -> f64 {
    match support {
        Support::Real => 0.0,
        Support::Above(_) | Support::Below(_) => -softplus(-u),
        Support::Interval(a, b) => (b - a).ln() - u.abs() - 2.0 * (-u.abs()).exp().ln_1p(),
    }
}

/// dx/du and d log |dx/du| / du.
fn slopes(support: Support, u: f64) -> (f64, f64) {
    match support {
        Support::Real => (1.0, 0.0),
        Support::Above(_) => (logistic(u), logistic(-u)),
        Support::Below(_) => (-logistic(u), logistic(-u)),
        Support::Interval(a, b) => ((b - a) * logistic(u) * logistic(-u), -(0.5 * u).tanh()),
    }
}

/// The larger one; NaN stays NaN.
fn at_least(x: f64, lower: f64) -> f64 {
    if x < lower { lower } else { x }
}

/// The smaller one; NaN stays NaN.
fn at_most(x: f64, upper: f64) -> f64 {
    if x > upper { upper } else { x }
}

impl<E: Energy> Energy for Transformed<E> {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, u: &Points, out: &mut [f64]) {
        if self.identity {
            return self.inner.energy(u, out);
        }
        self.with_inner(u, |x| self.inner.energy(x, out));
        self.correct(u, out);
    }

    /// The landmarks of the inner energy in the coordinates of each kind of support that it has.
    fn landmarks(&self) -> Vec<f64> {
        let mut supports: Vec<Support> = Vec::new();
        for s in &self.inner.space().reals {
            if !supports.contains(s) {
                supports.push(*s);
            }
        }
        let places = self.inner.landmarks();
        let outer = places.iter().flat_map(|v| supports.iter().map(|s| unconstrain(*s, *v)));
        outer.filter(|u| u.is_finite()).collect()
    }

    fn version(&self) -> u64 {
        self.inner.version()
    }
}

impl<E: Differentiable> Differentiable for Transformed<E> {
    fn energy_grad(&self, u: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        if self.identity {
            return self.inner.energy_grad(u, e, grad);
        }
        self.with_inner(u, |x| self.inner.energy_grad(x, e, grad));
        self.correct(u, e);
        self.correct_grad(u, grad);
    }

    fn grad(&self, u: &Points, grad: &mut Matrix<f64>) {
        if self.identity {
            return self.inner.grad(u, grad);
        }
        self.with_inner(u, |x| self.inner.grad(x, grad));
        self.correct_grad(u, grad);
    }

    fn components(&self) -> Vec<Box<dyn Differentiable + '_>> {
        let transformed = |c| Box::new(Transformed::new(c)) as Box<dyn Differentiable + '_>;
        self.inner.components().into_iter().map(transformed).collect()
    }
}

impl<E: Parametric> Parametric for Transformed<E> {
    fn n_theta(&self) -> usize {
        self.inner.n_theta()
    }

    fn theta_names(&self) -> Vec<String> {
        self.inner.theta_names()
    }

    fn read_theta(&self, out: &mut [f64]) {
        self.inner.read_theta(out);
    }

    fn set_theta(&mut self, theta: &[f64]) {
        self.inner.set_theta(theta);
    }

    fn grad_theta(&self, u: &Points, w: &[f64], out: &mut [f64]) {
        self.with_inner(u, |x| self.inner.grad_theta(x, w, out));
    }

    fn theta_features(&self, u: &Points, out: &mut Matrix<f64>) {
        self.with_inner(u, |x| self.inner.theta_features(x, out));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::Mala;
    use crate::run::{RunOptions, initial_points_with_gradient, sample};

    /// `E(x) = x - (k - 1) ln x` on `x > 0`: Gamma(k), with parameter k.
    pub(in crate::energy) struct Gamma {
        space: Space,
        k: f64,
    }

    impl Gamma {
        pub(in crate::energy) fn new(k: f64) -> Self {
            Self { space: Space { reals: vec![Support::Above(0.0)], ..Space::real(1) }, k }
        }
    }

    impl Energy for Gamma {
        fn space(&self) -> &Space {
            &self.space
        }
        fn energy(&self, x: &Points, out: &mut [f64]) {
            for (e, x) in out.iter_mut().zip(x.real.col(0)) {
                *e = if *x > 0.0 { x - (self.k - 1.0) * x.ln() } else { f64::INFINITY };
            }
        }
        fn version(&self) -> u64 {
            self.k.to_bits()
        }
    }

    impl Differentiable for Gamma {
        fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
            self.energy(x, e);
            for (g, x) in grad.col_mut(0).iter_mut().zip(x.real.col(0)) {
                *g = 1.0 - (self.k - 1.0) / x;
            }
        }
    }

    impl Parametric for Gamma {
        fn n_theta(&self) -> usize {
            1
        }
        fn theta_names(&self) -> Vec<String> {
            vec!["k".into()]
        }
        fn read_theta(&self, out: &mut [f64]) {
            out[0] = self.k;
        }
        fn set_theta(&mut self, theta: &[f64]) {
            self.k = theta[0];
        }
        fn grad_theta(&self, x: &Points, w: &[f64], out: &mut [f64]) {
            out[0] -= x.real.col(0).iter().zip(w).map(|(x, w)| w * x.ln()).sum::<f64>();
        }
        fn theta_features(&self, x: &Points, out: &mut Matrix<f64>) {
            for (o, x) in out.col_mut(0).iter_mut().zip(x.real.col(0)) {
                *o = -x.ln();
            }
        }
    }

    /// `E = 0.3 (sum_j x_j)^2` with any supports.
    struct Bounded(Space);

    impl Bounded {
        fn new(reals: &[Support]) -> Self {
            Self(Space { reals: reals.to_vec(), ..Space::real(reals.len()) })
        }
        fn total(x: &Points, i: usize) -> f64 {
            (0..x.dim()).map(|j| x.real.get(i, j)).sum()
        }
    }

    impl Energy for Bounded {
        fn space(&self) -> &Space {
            &self.0
        }
        fn energy(&self, x: &Points, out: &mut [f64]) {
            out.iter_mut().enumerate().for_each(|(i, e)| *e = 0.3 * Self::total(x, i).powi(2));
        }
    }

    impl Differentiable for Bounded {
        fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
            self.energy(x, e);
            for j in 0..x.dim() {
                for (i, g) in grad.col_mut(j).iter_mut().enumerate() {
                    *g = 0.6 * Self::total(x, i);
                }
            }
        }
    }

    const ALL: [Support; 4] = [Support::Real, Support::Above(-1.0), Support::Below(2.5), Support::Interval(-3.0, 0.5)];

    #[test]
    fn gradient_agrees_with_differences_and_maps_invert() {
        let t = Transformed::new(Bounded::new(&ALL));
        let u = Points::from_rows(&[[0.3, -2.0, 1.1, 0.7], [-1.0, 2.0, -5.0, -6.0], [0.0, 0.5, 3.0, 9.0]]);
        let back = t.to_outer(&t.to_inner(&u));
        let mut grad = Matrix::new(3, 4);
        t.energy_grad(&u, &mut [0.0; 3], &mut grad);
        for i in 0..3 {
            for j in 0..4 {
                assert!((back.real.get(i, j) - u.real.get(i, j)).abs() < 1e-10);
                let at = |h: f64| {
                    let mut u = u.rows(i, 1);
                    u.real.set(0, j, u.real.get(0, j) + h);
                    let mut e = [0.0];
                    t.energy(&u, &mut e);
                    e[0]
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((grad.get(i, j) - difference).abs() < 1e-6 * (1.0 + difference.abs()), "{i} {j}");
            }
        }
    }

    /// Both ends keep their relative precision: near the bound u is log(x - a), far from it x - a.
    #[test]
    fn half_lines_round_trip_at_both_ends() {
        for y in [1e-300, 1e-20, 1e-9, 1e-3, 0.5, std::f64::consts::LN_2, 2.0, 40.0, 1e4, 1e300] {
            for (support, x) in [(Support::Above(0.0), y), (Support::Below(0.0), -y)] {
                let u = unconstrain(support, x);
                let back = constrain(support, u);
                assert!((back - x).abs() <= 1e-13 * (1.0 + u.abs()) * y, "{support:?}: {x} became {back}");
            }
        }
        assert_eq!(unconstrain(Support::Above(2.0), 2.0), f64::NEG_INFINITY);
        assert!(unconstrain(Support::Above(2.0), 1.0).is_nan() && unconstrain(Support::Below(2.0), 3.0).is_nan());
        assert_eq!(unconstrain(Support::Above(0.0), 1e4), 1e4);
    }

    #[test]
    fn log_jacobians_agree_with_differences() {
        for support in ALL {
            for u in [-6.0, -1.0, 0.0, 0.7, 8.0] {
                let h = 1e-6;
                let slope = (constrain(support, u + h) - constrain(support, u - h)) / (2.0 * h);
                assert!((log_slope(support, u) - slope.abs().ln()).abs() < 1e-5, "{support:?} {u}");
                let (exact, log_slope_grad) = slopes(support, u);
                assert!((exact - slope).abs() < 1e-8 * (1.0 + slope.abs()) + 1e-7, "{support:?} {u}");
                let bend = (log_slope(support, u + h) - log_slope(support, u - h)) / (2.0 * h);
                assert!((log_slope_grad - bend).abs() < 1e-8, "{support:?} {u}");
            }
        }
    }

    /// The change of variables keeps log Z: exp(-x) on a half-line, and a slab of a Gaussian.
    #[test]
    fn log_z_is_that_of_the_inner_energy() {
        let log_z = |supports: &[Support]| {
            let inner = Bounded::new(supports);
            let options = crate::logz::Options::default();
            let direct = crate::logz::log_z(&inner, &options).unwrap().value;
            (direct, crate::logz::log_z(&Transformed::new(inner), &options).unwrap().value)
        };
        for support in &ALL[1..] {
            let (direct, transformed) = log_z(&[*support]);
            assert!((direct - transformed).abs() < 1e-9, "{support:?}: {direct} {transformed}");
        }
        let z = crate::logz::log_z(&Transformed::new(Gamma::new(3.5)), &crate::logz::Options::default()).unwrap();
        assert!((z.value - crate::diagnostics::ln_gamma(3.5)).abs() < 1e-9, "{}", z.value);
    }

    /// The energy of an exponential variable grows like u: E' = u + 2 log(1 + exp(-u)), so Langevin steps from far out return.
    #[test]
    fn exponential_tails_stay_exponential() {
        let t = Transformed::new(Gamma::new(1.0));
        let (mut e, mut grad) = ([0.0; 3], Matrix::new(3, 1));
        t.energy_grad(&Points::from_rows(&[[5.0], [50.0], [500.0]]), &mut e, &mut grad);
        assert!((e[2] - 500.0).abs() < 1e-9 && (e[1] - 50.0).abs() < 1e-9, "{e:?}");
        assert!(grad.col(0).iter().all(|g| (0.9..=1.0).contains(g)), "{:?}", grad.col(0));
    }

    #[test]
    fn extremes_are_never_nan_and_stay_inside() {
        for support in ALL {
            let t = Transformed::new(Bounded::new(&[support]));
            for u in [-1e300, -800.0, -40.0, 0.0, 40.0, 800.0, 1e300] {
                let u = Points::from_rows(&[[u]]);
                let mut e = [0.0];
                t.energy(&u, &mut e);
                assert!(!e[0].is_nan() && e[0] != f64::NEG_INFINITY, "{support:?} {u:?} {e:?}");
                let x = t.to_inner(&u).real.get(0, 0);
                assert!(support.contains(x) && x != support.lower() || !x.is_finite(), "{support:?} {x}");
            }
        }
    }

    #[test]
    fn draws_come_back_in_the_inner_coordinates() {
        let t = Transformed::new(Gamma::new(3.0));
        let init = initial_points_with_gradient(&t, 128, 1).unwrap();
        let options = RunOptions { n_draws: 500, thin: 4, n_warmup: 200, ..RunOptions::default() };
        let mut draws = sample(&t, &Mala::new(0.1), init, &options, &|_| {}).unwrap().draws;
        t.draws_to_inner(&mut draws);
        let z = |f: &dyn Fn(f64) -> f64, exact: f64| {
            let means: Vec<f64> = (0..128).map(|c| draws.chain(c, 0).map(f).sum::<f64>() / 500.0).collect();
            let mean = means.iter().sum::<f64>() / 128.0;
            let var = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 127.0;
            (mean - exact) / (var / 128.0).sqrt()
        };
        assert!(z(&|x| x, 3.0).abs() < 4.0);
        assert!(z(&|x| (x - 3.0).powi(2), 3.0).abs() < 4.0);
        assert!(z(&|x| x, 2.9).abs() > 4.0);
        let x = draws.get(5, 7, 0);
        assert_eq!(draws.energy()[5 * 500 + 7], x - 2.0 * x.ln());
    }
}
