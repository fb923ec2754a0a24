//! Statistics of every kernel against closed forms and quadrature, and the negative controls that must fail.
//! The energies are written by hand, as a user would write one.

use gibbsite::adapt::{Adapt, compare, ula_reference};
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::{ChainState, Chains, Hmc, Info, Kernel, Mala, Metric, Nuts, Rwm, Ula};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::rng::{Purpose, Run, Streams};
use gibbsite::run::{
    Draws, Event, RunError, RunOptions, Warning, draw, initial_points, initial_points_with_gradient, sample,
};

/// `E(x) = a x^2 / 2 + b x^4`.
struct Quartic {
    space: Space,
    a: f64,
    b: f64,
}

impl Quartic {
    fn new(a: f64, b: f64) -> Self {
        Self { space: Space::real(1), a, b }
    }
}

impl Energy for Quartic {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (e, x) in out.iter_mut().zip(x.real.col(0)) {
            *e = 0.5 * self.a * x * x + self.b * x.powi(4);
        }
    }
    fn version(&self) -> u64 {
        self.a.to_bits() ^ self.b.to_bits().rotate_left(1)
    }
}

impl Differentiable for Quartic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        for (g, x) in grad.col_mut(0).iter_mut().zip(x.real.col(0)) {
            *g = self.a * x + 4.0 * self.b * x.powi(3);
        }
    }
}

/// Gaussian with unit variances and correlation `rho`; coordinate 2 is then stretched by `stretch`.
struct Correlated {
    space: Space,
    rho: f64,
    stretch: f64,
}

impl Energy for Correlated {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        let c = 0.5 / (1.0 - self.rho * self.rho);
        for (i, e) in out.iter_mut().enumerate() {
            let (x, y) = (x.real.get(i, 0), x.real.get(i, 1) / self.stretch);
            *e = c * (x * x - 2.0 * self.rho * x * y + y * y);
        }
    }
}

impl Differentiable for Correlated {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        let c = 1.0 / (1.0 - self.rho * self.rho);
        for i in 0..x.n() {
            let (u, v) = (x.real.get(i, 0), x.real.get(i, 1) / self.stretch);
            grad.set(i, 0, c * (u - self.rho * v));
            grad.set(i, 1, c * (v - self.rho * u) / self.stretch);
        }
    }
}

/// `E(x, y) = (|(x, y)| - r)^2 / (2 sigma^2)`.
struct Ring {
    space: Space,
    r: f64,
    sigma: f64,
}

impl Energy for Ring {
    fn space(&self) -> &Space {
        &self.space
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (i, e) in out.iter_mut().enumerate() {
            let radius = x.real.get(i, 0).hypot(x.real.get(i, 1));
            *e = 0.5 * ((radius - self.r) / self.sigma).powi(2);
        }
    }
}

impl Differentiable for Ring {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        for i in 0..x.n() {
            let (u, v) = (x.real.get(i, 0), x.real.get(i, 1));
            let radius = u.hypot(v);
            let c = (radius - self.r) / (self.sigma * self.sigma * radius);
            grad.set(i, 0, c * u);
            grad.set(i, 1, c * v);
        }
    }
}

/// Finite only inside `|x| < 1`; NaN beyond `x > 0.9`: what kernels must survive.
struct Treacherous(Space);

impl Energy for Treacherous {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (e, x) in out.iter_mut().zip(x.real.col(0)) {
            *e = if *x > 0.9 {
                f64::NAN
            } else if *x < -1.0 {
                f64::INFINITY
            } else {
                0.0
            };
        }
    }
}

impl Differentiable for Treacherous {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        grad.as_mut_slice().fill(0.0);
    }
}

fn correlated() -> Correlated {
    Correlated { space: Space::real(2), rho: 0.8, stretch: 5.0 }
}

fn ring() -> Ring {
    Ring { space: Space::real(2), r: 2.0, sigma: 0.4 }
}

fn quiet(_: Event) {}

/// A function of one draw.
type Functional<'a> = Box<dyn Fn(&[f64]) -> f64 + 'a>;

/// One functional of the draws with its exact expectation.
struct Truth<'a> {
    name: String,
    f: Functional<'a>,
    exact: f64,
}

fn truth<'a>(name: &str, f: impl Fn(&[f64]) -> f64 + 'a, exact: f64) -> Truth<'a> {
    Truth { name: name.into(), f: Box::new(f), exact }
}

/// Mean, variance and quartiles of coordinate `j`, whose density is proportional to `p` on `(-l, l)` (fine trapezoid).
fn truths_of_density<'a>(j: usize, l: f64, p: impl Fn(f64) -> f64) -> Vec<Truth<'a>> {
    const N: usize = 200_000;
    let h = 2.0 * l / N as f64;
    let at = |k: usize| -l + h * k as f64;
    let sum = |f: &dyn Fn(f64) -> f64| (0..=N).map(|k| f(at(k)) * p(at(k))).sum::<f64>() * h;
    let z = sum(&|_| 1.0);
    let mean = sum(&|x| x) / z;
    let variance = sum(&|x| (x - mean).powi(2)) / z;
    let mut all = vec![
        truth(&format!("mean {j}"), move |x| x[j], mean),
        truth(&format!("variance {j}"), move |x| (x[j] - mean).powi(2), variance),
    ];
    for q in [0.05, 0.25, 0.5, 0.9] {
        // The quantile, by bisection on the cumulative sum; then P(x <= quantile) = q.
        let (mut acc, mut k) = (0.0, 0);
        while acc < q * z {
            acc += h * p(at(k));
            k += 1;
        }
        let quantile = at(k) - 0.5 * h - (acc - q * z) / p(at(k));
        all.push(truth(&format!("quantile {q} of {j}"), move |x| if x[j] <= quantile { 1.0 } else { 0.0 }, q));
    }
    all
}

/// z-scores of the chains' means against the truth.
fn z_scores(draws: &Draws, truths: &[Truth<'_>]) -> Vec<(String, f64)> {
    assert!(draws.n_chains() >= 64);
    let n = draws.n_chains() as f64;
    let z = |t: &Truth<'_>| {
        let means: Vec<f64> = draws
            .values()
            .chunks(draws.n_draws() * draws.dim())
            .map(|chain| chain.chunks(draws.dim()).map(&t.f).sum::<f64>() / draws.n_draws() as f64)
            .collect();
        let mean = means.iter().sum::<f64>() / n;
        let var = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean - t.exact) / (var / n).sqrt()
    };
    truths.iter().map(|t| (t.name.clone(), z(t))).collect()
}

fn worst(z: &[(String, f64)]) -> f64 {
    z.iter().map(|(_, z)| z.abs()).fold(0.0, f64::max)
}

fn assert_agrees(kernel: &str, z: &[(String, f64)]) {
    for (name, z) in z {
        assert!(z.abs() < 4.0, "{kernel}: {name}: z = {z:.2}");
    }
}

fn options(n_draws: usize, seed: u64) -> RunOptions {
    RunOptions { n_draws, thin: 2, n_warmup: 400, seed, block: 64 }
}

fn run<E: Differentiable, K: Adapt<E>>(energy: &E, kernel: &K, n_draws: usize) -> Draws {
    let init = initial_points_with_gradient(energy, 128, 7).unwrap();
    let out = sample(energy, kernel, init, &options(n_draws, 11), &quiet).unwrap();
    if let Some(target) = out.kernel.target_accept() {
        let got = out.info.accept_prob();
        // Divergences push the acceptance of long trajectories above the target.
        assert!(got > target - 0.08 && got < 0.98, "acceptance {got} against {target}");
    }
    assert!((out.info.n_diverged as f64) < 0.01 * out.info.n as f64, "{:?}", out.info);
    out.draws
}

fn all_exact_kernels<E: Differentiable>(energy: &E, truths: &[Truth<'_>], n_draws: usize) {
    assert_agrees("rwm", &z_scores(&run(energy, &Rwm::new(1.0), 3 * n_draws), truths));
    assert_agrees("mala", &z_scores(&run(energy, &Mala::new(0.1), n_draws), truths));
    assert_agrees("hmc", &z_scores(&run(energy, &Hmc::new(0.1, 6), n_draws), truths));
    assert_agrees("nuts", &z_scores(&run(energy, &Nuts::new(0.1), n_draws), truths));
}

#[test]
fn standard_normal() {
    let truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    all_exact_kernels(&Quartic::new(1.0, 0.0), &truths, 1000);
}

#[test]
fn quartic() {
    let truths = truths_of_density(0, 8.0, |x| (-0.5 * x * x - 0.1 * x.powi(4)).exp());
    assert!((truths[1].exact - 0.615_527_186).abs() < 1e-8, "{}", truths[1].exact);
    all_exact_kernels(&Quartic::new(1.0, 0.1), &truths, 1000);
}

#[test]
fn correlated_gaussian() {
    let mut truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    truths.extend(truths_of_density(1, 60.0, |x| (-0.02 * x * x).exp()));
    truths.push(truth("covariance", |x| x[0] * x[1], 0.8 * 5.0));
    all_exact_kernels(&correlated(), &truths, 1500);
}

#[test]
fn ring_in_two_dimensions() {
    // The radius has density r exp(-E(r)); by symmetry the mean is 0 and the variance half of E[r^2].
    let p = |r: f64| if r > 0.0 { r * (-0.5 * ((r - 2.0) / 0.4).powi(2)).exp() } else { 0.0 };
    let radial = truths_of_density(0, 8.0, p);
    let (mean, variance) = (radial[0].exact, radial[1].exact);
    let mut truths: Vec<Truth<'_>> = radial
        .into_iter()
        .map(|t| Truth {
            name: format!("radius: {}", t.name),
            exact: t.exact,
            f: Box::new(move |x| (t.f)(&[x[0].hypot(x[1])])),
        })
        .collect();
    for j in 0..2 {
        truths.push(truth("mean", move |x| x[j], 0.0));
        truths.push(truth("variance", move |x| x[j] * x[j], 0.5 * (variance + mean * mean)));
    }
    all_exact_kernels(&ring(), &truths, 1500);
}

/// Draws of a fixed kernel from a common start, without warm-up of the kernel but with discarded steps.
fn fixed<E: Differentiable, K: Kernel<E>>(energy: &E, kernel: &K, n_draws: usize) -> Draws {
    let x = Points::from_real(Matrix::from_fn(256, energy.space().dim(), |i, _| (i % 9) as f64 / 4.0 - 1.0));
    let mut state = kernel.init(energy, x);
    let mut rng = Streams::new(3, Run::WarmUp);
    for _ in 0..300 {
        kernel.step(energy, &mut state, &mut rng);
        rng.advance();
    }
    let warm = gibbsite::adapt::WarmedUp {
        kernel: Fixed(kernel),
        x: state.x().clone(),
        info: Info::default(),
        warnings: Vec::new(),
    };
    let options = RunOptions { n_draws, thin: 1, n_warmup: 0, seed: 5, block: 128 };
    draw(energy, warm, &options, 0, &quiet).unwrap().draws
}

/// A kernel by reference.
struct Fixed<'a, K>(&'a K);

impl<E: ?Sized, K: Kernel<E>> Kernel<E> for Fixed<'_, K> {
    type State = K::State;
    fn init(&self, energy: &E, x: Points) -> K::State {
        self.0.init(energy, x)
    }
    fn step(&self, energy: &E, state: &mut K::State, rng: &mut Streams) -> Info {
        self.0.step(energy, state, rng)
    }
    fn refresh(&self, energy: &E, state: &mut K::State) {
        self.0.refresh(energy, state)
    }
}

#[test]
fn ula_has_its_known_variance_and_not_the_exact_one() {
    let eps = 0.2;
    let draws = fixed(&Quartic::new(1.0, 0.0), &Ula::new(eps), 2000);
    let known = [truth("mean", |x| x[0], 0.0), truth("variance", |x| x[0] * x[0], 1.0 / (1.0 - 0.5 * eps))];
    assert_agrees("ula", &z_scores(&draws, &known));
    let exact = [truth("variance", |x| x[0] * x[0], 1.0)];
    assert!(worst(&z_scores(&draws, &exact)) > 6.0);
    // The scale multiplies the step: eps s^2 is what counts.
    let scaled = Ula { step_size: eps / 4.0, metric: Metric::diagonal(vec![2.0]) };
    assert_agrees("scaled ula", &z_scores(&fixed(&Quartic::new(1.0, 0.0), &scaled, 2000), &known));
}

#[test]
fn scales_leave_the_target_alone() {
    let mut truths = truths_of_density(0, 12.0, |x| (-0.5 * x * x).exp());
    truths.extend(truths_of_density(1, 60.0, |x| (-0.02 * x * x).exp()));
    let scale = vec![0.7, 4.0];
    let energy = correlated();
    let mala = Mala { step_size: 0.4, metric: Metric::diagonal(scale.clone()) };
    assert_agrees("mala", &z_scores(&fixed(&energy, &mala, 1500), &truths));
    let hmc = Hmc { metric: Metric::diagonal(scale.clone()), ..Hmc::new(0.6, 4) };
    assert_agrees("hmc", &z_scores(&fixed(&energy, &hmc, 1000), &truths));
    let plain = Hmc { jitter: 0.0, ..hmc.clone() };
    assert_agrees("hmc without jitter", &z_scores(&fixed(&energy, &plain, 1000), &truths));
    let rwm = Rwm { step_size: 1.2, metric: Metric::diagonal(scale) };
    assert_agrees("rwm", &z_scores(&fixed(&energy, &rwm, 4000), &truths));
    // The covariance itself as diagonal plus low rank: directions (1, 1) and (1, -1) over sqrt(2) of the scaled coordinates.
    let h = std::f64::consts::FRAC_1_SQRT_2;
    let vectors = Matrix::from_columns(2, 2, vec![h, h, h, -h]);
    let metric = Metric::low_rank(vec![1.0, 5.0], vectors, vec![1.8f64.sqrt(), 0.2f64.sqrt()]);
    let mala = Mala { step_size: 0.6, metric: metric.clone() };
    assert_agrees("low-rank mala", &z_scores(&fixed(&energy, &mala, 1500), &truths));
    let hmc = Hmc { metric: metric.clone(), ..Hmc::new(0.8, 3) };
    assert_agrees("low-rank hmc", &z_scores(&fixed(&energy, &hmc, 1000), &truths));
    let nuts = Nuts { metric: metric.clone(), ..Nuts::new(0.8) };
    assert_agrees("low-rank nuts", &z_scores(&fixed(&energy, &nuts, 1000), &truths));
    let rwm = Rwm { step_size: 1.2, metric: metric.clone() };
    assert_agrees("low-rank rwm", &z_scores(&fixed(&energy, &rwm, 4000), &truths));
    // In these coordinates the target is N(0, I), whose known bias unadjusted Langevin has: variances 1 / (1 - eps / 2).
    let ula = Ula { step_size: 0.2, metric };
    let known = [
        truth("variance 1", |x| x[0] * x[0], 1.0 / 0.9),
        truth("variance 2", |x| x[1] * x[1], 25.0 / 0.9),
        truth("covariance", |x| x[0] * x[1], 4.0 / 0.9),
    ];
    assert_agrees("low-rank ula", &z_scores(&fixed(&energy, &ula, 2000), &known));
}

/// How a twin is broken.
#[derive(Clone, Copy, PartialEq)]
enum Broken {
    NoQRatio,
    NoAccept,
    FlippedSign,
}

/// A slow, plain kernel in one dimension, right when `broken` is `None`.
struct Twin {
    step_size: f64,
    n_leapfrog: usize,
    broken: Option<Broken>,
}

struct TwinState(Points, Vec<f64>);

impl ChainState for TwinState {
    fn x(&self) -> &Points {
        &self.0
    }
    fn x_mut(&mut self) -> &mut Points {
        &mut self.0
    }
    fn energy(&self) -> &[f64] {
        &self.1
    }
}

impl Kernel<Quartic> for Twin {
    type State = TwinState;
    fn init(&self, energy: &Quartic, x: Points) -> TwinState {
        let mut e = vec![0.0; x.n()];
        energy.energy(&x, &mut e);
        TwinState(x, e)
    }
    fn step(&self, q: &Quartic, state: &mut TwinState, rng: &mut Streams) -> Info {
        let n = state.0.n();
        let xi: Vec<f64> = rng.normals(Purpose::Proposal, n, 1).col(0).iter().map(|v| *v as f64).collect();
        let u = rng.uniforms(Purpose::Accept, n, 1).col(0);
        let value = |x: f64| 0.5 * q.a * x * x + q.b * x.powi(4);
        let slope = |x: f64| q.a * x + 4.0 * q.b * x.powi(3);
        let eps = self.step_size;
        for i in 0..n {
            let x = state.0.real.get(i, 0);
            let (y, log_ratio) = if self.n_leapfrog == 0 {
                let y = x - eps * slope(x) + (2.0 * eps).sqrt() * xi[i];
                let log_q = |to: f64, from: f64| -(to - from + eps * slope(from)).powi(2) / (4.0 * eps);
                let q_ratio = if self.broken == Some(Broken::NoQRatio) { 0.0 } else { log_q(x, y) - log_q(y, x) };
                (y, value(x) - value(y) + q_ratio)
            } else {
                let (mut y, mut p) = (x, xi[i]);
                for _ in 0..self.n_leapfrog {
                    p -= 0.5 * eps * slope(y);
                    y += eps * p;
                    p -= 0.5 * eps * slope(y);
                }
                (y, value(x) + 0.5 * xi[i] * xi[i] - value(y) - 0.5 * p * p)
            };
            let log_ratio = if self.broken == Some(Broken::FlippedSign) { -log_ratio } else { log_ratio };
            if self.broken == Some(Broken::NoAccept) || u[i] < log_ratio.exp() {
                state.0.real.set(i, 0, y);
                state.1[i] = value(y);
            }
        }
        Info { n: n as u64, ..Info::default() }
    }
    fn refresh(&self, _: &Quartic, _: &mut TwinState) {}
}

#[test]
fn broken_twins_fail_the_same_check() {
    let truths = truths_of_density(0, 8.0, |x| (-0.5 * x * x - 0.1 * x.powi(4)).exp());
    let energy = Quartic::new(1.0, 0.1);
    let z = |step_size, n_leapfrog, broken| {
        worst(&z_scores(&fixed(&energy, &Twin { step_size, n_leapfrog, broken }, 1500), &truths))
    };
    assert!(z(0.4, 0, None) < 4.0);
    assert!(z(0.7, 3, None) < 4.0);
    assert!(z(0.4, 0, Some(Broken::NoQRatio)) > 6.0);
    assert!(z(0.7, 3, Some(Broken::NoAccept)) > 6.0);
    assert!(z(0.4, 0, Some(Broken::FlippedSign)) > 6.0);
    assert!(z(0.7, 3, Some(Broken::FlippedSign)) > 6.0);
}

/// The library's kernels make the moves of the plain twins (same noise, same uniforms), up to rounding.
#[test]
fn kernels_equal_their_plain_twins() {
    let energy = Quartic::new(1.0, 0.1);
    let mala = fixed(&energy, &Mala::new(0.4), 50);
    let hmc = fixed(&energy, &Hmc { jitter: 0.0, ..Hmc::new(0.7, 3) }, 50);
    let twin_mala = fixed(&energy, &Twin { step_size: 0.4, n_leapfrog: 0, broken: None }, 50);
    let twin_hmc = fixed(&energy, &Twin { step_size: 0.7, n_leapfrog: 3, broken: None }, 50);
    for (a, b) in [(mala, twin_mala), (hmc, twin_hmc)] {
        // Dynamics may amplify rounding; nearly all draws agree.
        let close = a.values().iter().zip(b.values()).filter(|(a, b)| (*a - *b).abs() < 1e-6).count();
        assert!(close as f64 > 0.999 * a.values().len() as f64, "{close} of {}", a.values().len());
    }
}

#[test]
fn draws_do_not_depend_on_threads_or_blocks() {
    let energy = correlated();
    let init = initial_points_with_gradient(&energy, 100, 1).unwrap();
    let with = |threads: usize, block: usize, which: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = RunOptions { n_draws: 50, thin: 3, n_warmup: 150, seed: 2, block };
        pool.install(|| match which {
            0 => sample(&energy, &Rwm::new(1.0), init.clone(), &options, &quiet).unwrap().draws,
            1 => sample(&energy, &Ula::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
            2 => sample(&energy, &Mala::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
            3 => sample(&energy, &Hmc::new(0.1, 5), init.clone(), &options, &quiet).unwrap().draws,
            _ => sample(&energy, &Nuts::new(0.1), init.clone(), &options, &quiet).unwrap().draws,
        })
    };
    for which in 0..5 {
        let one = with(1, 32, which);
        assert_eq!(one, with(2, 32, which), "threads, kernel {which}");
        assert_eq!(one, with(2, 100, which), "one block, kernel {which}");
        assert_eq!(one, with(1, 7, which), "ragged blocks, kernel {which}");
    }
}

#[test]
fn a_longer_run_begins_with_the_shorter_and_can_be_continued() {
    let energy = ring();
    let init = initial_points_with_gradient(&energy, 70, 1).unwrap();
    let options = |n_draws| RunOptions { n_draws, thin: 2, n_warmup: 100, seed: 4, block: 64 };
    let long = sample(&energy, &Mala::new(0.1), init.clone(), &options(30), &quiet).unwrap();
    let short = sample(&energy, &Mala::new(0.1), init, &options(10), &quiet).unwrap();
    let warm = gibbsite::adapt::WarmedUp {
        kernel: short.kernel,
        x: short.last,
        info: short.warm_up,
        warnings: short.warnings,
    };
    let rest = draw(&energy, warm, &options(20), 20, &quiet).unwrap();
    for c in 0..70 {
        let joined: Vec<f64> = short.draws.chain(c, 1).chain(rest.draws.chain(c, 1)).collect();
        assert_eq!(joined, long.draws.chain(c, 1).collect::<Vec<_>>());
    }
    assert_eq!(rest.last, long.last);
}

#[test]
fn rows_are_independent() {
    let energy = ring();
    let x = initial_points(&energy, 40, 9).unwrap();
    let step = |x: Points, first: usize| {
        let kernel = Hmc::new(0.2, 4);
        let mut rng = Streams::new(1, Run::Draws).block(first);
        let mut state = kernel.init(&energy, x);
        for _ in 0..20 {
            kernel.step(&energy, &mut state, &mut rng);
            rng.advance();
        }
        state.x().clone()
    };
    let all = step(x.clone(), 0);
    for i in [0, 1, 17, 39] {
        assert_eq!(step(x.rows(i, 1), i), all.rows(i, 1));
    }
}

#[test]
fn non_finite_proposals_are_rejected_and_counted() {
    let energy = Treacherous(Space::real(1));
    let go = |state: Chains, kernel: &dyn Fn(&mut Chains, &mut Streams) -> Info| {
        let mut state = state;
        let mut rng = Streams::new(8, Run::Draws);
        let mut info = Info::default();
        for _ in 0..200 {
            info.add(kernel(&mut state, &mut rng));
            rng.advance();
            assert!(state.x().real.as_slice().iter().all(|x| (-1.0..=0.9).contains(x)));
            assert!(state.energy().iter().all(|e| *e == 0.0));
        }
        assert!(info.n_diverged > 0 && info.sum_accept.value() > 0.0 && info.n == 200 * 64);
        info
    };
    let x = Points::zeros(64, 1);
    let (rwm, ula, mala, hmc) = (Rwm::new(0.5), Ula::new(0.1), Mala::new(0.1), Hmc::new(0.2, 3));
    let a = go(Kernel::<Treacherous>::init(&rwm, &energy, x.clone()), &|s, r| rwm.step(&energy, s, r));
    let b = go(ula.init(&energy, x.clone()), &|s, r| ula.step(&energy, s, r));
    go(mala.init(&energy, x.clone()), &|s, r| mala.step(&energy, s, r));
    go(hmc.init(&energy, x.clone()), &|s, r| hmc.step(&energy, s, r));
    // Of a kernel that rejects, leaving the support is no divergence; of one that does not, it is.
    assert!(a.n_diverged as f64 + a.sum_accept.value() < a.n as f64);
    assert_eq!(b.n_diverged as f64 + b.sum_accept.value(), b.n as f64);
}

#[test]
fn runs_of_a_diverging_ula_fail() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 8.0));
    let options = RunOptions { n_draws: 200, n_warmup: 0, ..RunOptions::default() };
    let got = sample(&Quartic::new(1.0, 0.1), &Ula::new(1.0), init, &options, &quiet);
    assert!(matches!(got, Err(RunError::Diverged { .. })), "{got:?}");
}

#[test]
fn divergences_of_hmc_are_warned_of() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 8.0));
    let options = RunOptions { n_draws: 50, n_warmup: 0, ..RunOptions::default() };
    let out = sample(&Quartic::new(1.0, 10.0), &Hmc::new(1.0, 5), init, &options, &quiet).unwrap();
    assert!(out.warnings.iter().any(|w| matches!(w, Warning::Divergences { .. })), "{:?}", out.warnings);
}

/// A step size that was given is judged as one that was found.
#[test]
fn a_given_step_size_that_nothing_accepts_is_warned_of() {
    let init = Points::from_real(Matrix::from_fn(64, 1, |i, _| i as f64 / 64.0));
    let options = RunOptions { n_draws: 50, n_warmup: 0, ..RunOptions::default() };
    let out = sample(&Quartic::new(1.0, 0.1), &Mala::new(1e9), init, &options, &quiet).unwrap();
    let warning = out.warnings.iter().find(|w| matches!(w, Warning::Acceptance { adapted: false, .. }));
    assert!(warning.is_some_and(|w| w.to_string().contains("smaller step size")), "{:?}", out.warnings);
}

#[test]
#[cfg(debug_assertions)]
fn stale_caches_panic() {
    let stale = |refresh: bool| {
        std::panic::catch_unwind(|| {
            let mut energy = Quartic::new(1.0, 0.1);
            let kernel = Mala::new(0.1);
            let mut state = kernel.init(&energy, Points::zeros(4, 1));
            energy.a = 2.0;
            if refresh {
                kernel.refresh(&energy, &mut state);
            }
            kernel.step(&energy, &mut state, &mut Streams::new(0, Run::Draws));
        })
        .is_err()
    };
    assert!(stale(false));
    assert!(!stale(true));
}

#[test]
fn bias_of_ula_is_reported() {
    let energy = Quartic::new(1.0, 0.0);
    let init = initial_points_with_gradient(&energy, 128, 7).unwrap();
    let options = RunOptions { n_draws: 2000, thin: 4, n_warmup: 300, seed: 1, block: 128 };
    let out = sample(&energy, &Ula::new(0.1), init.clone(), &options, &quiet).unwrap();
    assert_eq!(out.info.accept_prob(), 1.0);
    let reference = ula_reference(&energy, &out.kernel, init.clone(), &options, &quiet).unwrap();
    let bias = compare(&out.draws, &reference);
    let expected = (1.0 / (1.0 - 0.5 * out.kernel.step_size)).sqrt();
    assert!(bias[0].mean_z.abs() < 4.0 && bias[0].variance_z > 4.0, "{bias:?}");
    assert!((bias[0].sd_ratio - expected).abs() < 0.01, "{bias:?} {expected}");
    // Two runs of an exact kernel do not differ.
    let mala = |seed| sample(&energy, &Mala::new(0.1), init.clone(), &RunOptions { seed, ..options.clone() }, &quiet);
    let same = compare(&mala(1).unwrap().draws, &mala(2).unwrap().draws);
    assert!(same[0].mean_z.abs() < 4.0 && same[0].variance_z.abs() < 4.0, "{same:?}");
}

#[test]
fn starts_without_a_finite_energy_are_refused() {
    struct Nowhere(Space);
    impl Energy for Nowhere {
        fn space(&self) -> &Space {
            &self.0
        }
        fn energy(&self, _: &Points, out: &mut [f64]) {
            out.fill(f64::INFINITY);
        }
    }
    let energy = Nowhere(Space::real(2));
    let none = initial_points(&energy, 3, 0).unwrap_err();
    assert!(matches!(none, RunError::NoStart { chain: 0, n_attempts: 100, .. }), "{none}");
    let got = sample(&energy, &Rwm::new(1.0), Points::zeros(3, 2), &RunOptions::default(), &quiet).unwrap_err();
    assert!(matches!(got, RunError::BadStart { chain: 0, .. }), "{got}");
    let got = sample(&energy, &Rwm::new(1.0), Points::zeros(3, 1), &RunOptions::default(), &quiet).unwrap_err();
    assert_eq!(got, RunError::Dimension { got: 1, expected: 2 });
}

#[test]
fn warm_up_finds_scales_and_reports_progress() {
    let energy = Correlated { space: Space::real(2), rho: 0.0, stretch: 100.0 };
    let init = initial_points_with_gradient(&energy, 64, 3).unwrap();
    let last = std::sync::Mutex::new((0, 0));
    let progress = |e: Event| {
        if let Event::Progress { done, total, .. } = e {
            let mut last = last.lock().unwrap();
            *last = (done.max(if total == last.1 { last.0 } else { 0 }), total);
        }
    };
    let options = RunOptions { n_draws: 10, n_warmup: 1000, ..RunOptions::default() };
    let out = sample(&energy, &Hmc::new(0.1, 8), init, &options, &progress).unwrap();
    let ratio = out.kernel.metric.scale()[1] / out.kernel.metric.scale()[0];
    assert!((ratio / 100.0 - 1.0).abs() < 0.1, "{:?}", out.kernel.metric);
    assert_eq!(*last.lock().unwrap(), (640, 640));
}
