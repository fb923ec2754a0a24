//! The No-U-Turn sampler against its definition: a plain recursion over one chain that reads the same random numbers.

use gibbsite::energy::formula::Formula;
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::{ChainState, Kernel, Nuts};
use gibbsite::points::{Matrix, Points};
use gibbsite::rng::{Purpose, Run, Streams};

#[derive(Clone)]
struct State {
    x: Vec<f64>,
    p: Vec<f64>,
    g: Vec<f64>,
    e: f64,
}

impl State {
    fn h(&self) -> f64 {
        self.e + 0.5 * dot(&self.p, &self.p)
    }
}

/// A subtree in the order of its growth.
struct Subtree {
    first: Vec<f64>,
    last: Vec<f64>,
    rho: Vec<f64>,
    choice: State,
    log_w: f64,
}

/// How the twin is broken.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Broken {
    /// The choice within a half ignores the weights.
    NoWeights,
    /// A half whose subtrees turn is kept.
    KeepsTurnedHalves,
    /// Coarse steps are cut without a look back.
    NeverLooksBack,
}

struct Twin<'a> {
    energy: &'a Formula,
    step_size: f64,
    chain: u32,
    rng: &'a Streams,
    start: f64,
    n_choices: u32,
    n_leaves: u32,
    sum_accept: f64,
    max_change: f64,
    broken: Option<Broken>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn straight(rho: &[f64], a: &[f64], b: &[f64]) -> bool {
    dot(rho, a) > 0.0 && dot(rho, b) > 0.0
}

fn log_sum(a: f64, b: f64) -> f64 {
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}

impl Twin<'_> {
    fn evaluate(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let (mut e, mut g) = ([0.0], Matrix::new(1, x.len()));
        self.energy.energy_grad(&Points::from_rows(&[x]), &mut e, &mut g);
        (e[0], g.row(0))
    }

    fn uniform(&mut self) -> f64 {
        let mut u = [0.0];
        self.rng.uniforms_of(Purpose::Accept, self.n_choices, &[self.chain], &mut u);
        self.n_choices += 1;
        u[0]
    }

    /// The step of size `eps` in `2^halvings` parts, and whether H stays within `max_change` along it. Stops where it does not.
    fn walk(&mut self, from: &State, eps: f64, halvings: u32) -> (State, bool) {
        let (mut at, n_parts) = (from.clone(), 1 << halvings);
        let eps = eps / f64::from(n_parts);
        let (mut low, mut high) = (from.h(), from.h());
        for _ in 0..n_parts {
            let State { x, p, g, e } = &mut at;
            for j in 0..x.len() {
                p[j] -= 0.5 * eps * g[j];
                x[j] += eps * p[j];
            }
            (*e, *g) = self.evaluate(x);
            for j in 0..x.len() {
                p[j] -= 0.5 * eps * g[j];
            }
            if !at.h().is_finite() {
                return (at, false);
            }
            (low, high) = (low.min(at.h()), high.max(at.h()));
            if high - low > self.max_change {
                return (at, false);
            }
        }
        (at, true)
    }

    /// The fewest halvings with which the step passes, if any.
    fn halvings(&mut self, from: &State, eps: f64) -> Option<u32> {
        (0..=8).find(|halvings| self.walk(from, eps, *halvings).1)
    }

    /// One step, in parts where it is too coarse; `None` if it could not be undone.
    fn leap(&mut self, from: &State, eps: f64) -> Option<State> {
        let found = self.halvings(from, eps);
        let (to, _) = self.walk(from, eps, found.unwrap_or(0));
        let back = self.halvings(&to, -eps);
        (back == found || self.broken == Some(Broken::NeverLooksBack)).then_some(to)
    }

    /// Grows `2^depth` states from `front`; `None` if it turns or diverges.
    fn grow(&mut self, front: &mut State, depth: u32, direction: f64) -> Option<Subtree> {
        if depth == 0 {
            let eps = direction * self.step_size;
            // Acceptance is that of whole steps.
            let whole = self.start - self.walk(front, eps, 0).0.h();
            self.n_leaves += 1;
            self.sum_accept += if whole >= -1000.0 { whole.min(0.0).exp() } else { 0.0 };
            *front = self.leap(front, eps)?;
            let log_w = self.start - front.h();
            if !(log_w >= -1000.0) {
                return None;
            }
            let p = front.p.clone();
            return Some(Subtree { first: p.clone(), last: p.clone(), rho: p, choice: front.clone(), log_w });
        }
        let a = self.grow(front, depth - 1, direction)?;
        let b = self.grow(front, depth - 1, direction)?;
        let u = self.uniform();
        let p_b = if self.broken == Some(Broken::NoWeights) { 0.5 } else { 1.0 / (1.0 + (a.log_w - b.log_w).exp()) };
        let rho = add(&a.rho, &b.rho);
        let goes_on = straight(&rho, &a.first, &b.last)
            && straight(&add(&a.rho, &b.first), &a.first, &b.first)
            && straight(&add(&b.rho, &a.last), &a.last, &b.last);
        (goes_on || self.broken == Some(Broken::KeepsTurnedHalves)).then(|| Subtree {
            first: a.first,
            last: b.last,
            rho,
            choice: if u < p_b { b.choice } else { a.choice },
            log_w: log_sum(a.log_w, b.log_w),
        })
    }

    /// One transition.
    fn step(&mut self, x: &[f64], p: Vec<f64>) -> Vec<f64> {
        let (e, g) = self.evaluate(x);
        self.start = e + 0.5 * dot(&p, &p);
        let mut left = State { x: x.to_vec(), p: p.clone(), g, e };
        let mut right = left.clone();
        let (mut choice, mut log_w, mut rho) = (left.clone(), 0.0, p);
        for depth in 0..10 {
            let mut u = [0.0];
            self.rng.uniforms_of(Purpose::Choice, depth, &[self.chain], &mut u);
            let forwards = u[0] < 0.5;
            let (far, near) =
                if forwards { (left.p.clone(), right.p.clone()) } else { (right.p.clone(), left.p.clone()) };
            let front = if forwards { &mut right } else { &mut left };
            let mut end = front.clone();
            let Some(half) = self.grow(&mut end, depth, if forwards { 1.0 } else { -1.0 }) else { break };
            *front = end;
            if self.uniform() < (half.log_w - log_w).min(0.0).exp() {
                choice = half.choice.clone();
            }
            log_w = log_sum(log_w, half.log_w);
            let old = rho.clone();
            rho = add(&rho, &half.rho);
            let goes_on = straight(&rho, &far, &half.last)
                && straight(&add(&old, &half.first), &far, &half.first)
                && straight(&add(&half.rho, &near), &near, &half.last);
            if !goes_on {
                break;
            }
        }
        choice.x
    }
}

/// What the plain twin does.
struct Walk {
    /// Positions after each transition of each chain.
    x: Vec<Points>,
    n_leaves: u64,
    sum_accept: f64,
}

fn twin_walk(energy: &Formula, x: &Points, kernel: &Nuts, n_steps: u64, broken: Option<Broken>) -> Walk {
    let (n, d) = (x.n(), x.dim());
    let mut rng = Streams::new(8, Run::Draws);
    let (mut x, mut walk) = (x.clone(), Walk { x: Vec::new(), n_leaves: 0, sum_accept: 0.0 });
    for _ in 0..n_steps {
        let p = rng.normals(Purpose::Proposal, n, d);
        let p = Matrix::from_fn(n, d, |i, j| f64::from(p.col(j)[i]));
        for i in 0..n {
            let &Nuts { step_size, max_change, .. } = kernel;
            let (chain, rng) = (i as u32, &rng);
            let (n_choices, n_leaves, sum_accept) = (0, 0, 0.0);
            let mut twin =
                Twin { energy, step_size, chain, rng, start: 0.0, n_choices, n_leaves, sum_accept, max_change, broken };
            let next = twin.step(&x.real.row(i), p.row(i));
            walk.n_leaves += u64::from(twin.n_leaves);
            walk.sum_accept += twin.sum_accept / f64::from(twin.n_leaves);
            (0..d).for_each(|j| x.real.set(i, j, next[j]));
        }
        rng.advance();
        walk.x.push(x.clone());
    }
    walk
}

fn agrees(energy: &Formula, n: usize, kernel: &Nuts) {
    let d = energy.space().dim();
    let x = Points::from_real(Matrix::from_fn(n, d, |i, j| ((i * 7 + j * 4) % 9) as f64 / 4.0 - 0.9));
    let mut state = kernel.init(energy, x.clone());
    let mut rng = Streams::new(8, Run::Draws);
    let n_steps = 6;
    let twin = twin_walk(energy, &x, kernel, n_steps, None);
    let (mut n_close, mut n_evals, mut accept) = (0, 0, 0.0);
    for x in &twin.x {
        let info = kernel.step(energy, &mut state, &mut rng);
        n_evals += info.n_evals;
        accept += info.sum_accept;
        rng.advance();
        let row_close = |i: usize| (0..d).all(|j| (state.x().real.get(i, j) - x.real.get(i, j)).abs() < 1e-6);
        n_close += (0..n).filter(|i| row_close(*i)).count();
    }
    // Dynamics may amplify rounding; nearly all states agree.
    let (total, what) = (n * n_steps as usize, format!("{}, {n} chains, {kernel:?}", energy.source()));
    assert!(n_close as f64 >= 0.98 * total as f64, "{what}: {n_close} of {total}");
    assert!((accept / twin.sum_accept - 1.0).abs() < 0.01, "{what}: acceptance {accept}, not {}", twin.sum_accept);
    // Steps that are cut cost more gradients.
    let ratio = n_evals as f64 / twin.n_leaves as f64;
    let most = if kernel.max_change.is_finite() { f64::INFINITY } else { 1.02 };
    assert!(0.98 <= ratio && ratio <= most, "{what}: {n_evals} gradients for {} steps", twin.n_leaves);
}

#[test]
fn equals_its_plain_recursion() {
    // Short and long trajectories, divergences, steps that are cut, jumps, more and fewer chains than a vector has lanes.
    let energies = [
        ("(x1^2 + x2^2/9 + x3^2*4)/2 + 0.1*x1^4", 0.3),
        ("x1^2/18 + x2^2/(2*exp(x1)) + x1/2", 0.6),
        ("(sqrt(x1^2+x2^2)-2)^2/0.08", 0.25),
        ("x1^2/2 + 2*abs(x1 - 0.31)/(x1 - 0.31)", 0.7),
    ];
    for (text, step_size) in energies {
        let energy = Formula::parse(text).unwrap();
        for n in [1, 5, 64, 101] {
            for max_change in [f64::INFINITY, 3.0, 0.3] {
                agrees(&energy, n, &Nuts { max_change, ..Nuts::new(step_size) });
            }
        }
    }
}

/// The variances of `N(0, 1) x N(0, 9)` after the walks of many chains that start from exact draws: z-scores.
fn invariance(max_change: f64, broken: Option<Broken>) -> f64 {
    let energy = Formula::parse("x1^2/2 + x2^2/18").unwrap();
    let n = 3000;
    let z = Streams::new(1, Run::Importance).normals(Purpose::Init, n, 2).col(0).to_vec();
    let w = Streams::new(2, Run::Importance).normals(Purpose::Init, n, 2).col(1).to_vec();
    let x = Points::from_real(Matrix::from_fn(n, 2, |i, j| f64::from(if j == 0 { z[i] } else { 3.0 * w[i] })));
    let walk = twin_walk(&energy, &x, &Nuts { max_change, ..Nuts::new(1.3) }, 4, broken);
    let x = &walk.x[walk.x.len() - 1].real;
    let z = |j: usize, sd: f64| {
        let squares = x.col(j).iter().map(|v| (v / sd).powi(2)).sum::<f64>() / n as f64;
        (squares - 1.0) / (2.0 / n as f64).sqrt()
    };
    z(0, 1.0).abs().max(z(1, 3.0).abs())
}

#[test]
fn broken_twins_move_the_distribution() {
    for max_change in [f64::INFINITY, 0.5] {
        let z = invariance(max_change, None);
        assert!(z < 4.0, "z = {z}");
    }
    for (broken, max_change) in
        [(Broken::NoWeights, f64::INFINITY), (Broken::KeepsTurnedHalves, f64::INFINITY), (Broken::NeverLooksBack, 0.5)]
    {
        let z = invariance(max_change, Some(broken));
        assert!(z > 6.0, "{broken:?}: z = {z}");
    }
}
