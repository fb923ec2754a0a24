//! Proofs and refutations of normalisability for formulas.
//!
//! The energy is simplified by steps that keep `integral exp(-E)` up to a finite non-zero factor, so that both answers
//! carry over: parameters become numbers; a linear change of coordinates makes the linear forms of the energy
//! coordinates; coordinates that can be integrated out in closed form are; independent groups of coordinates are
//! separated. What remains is decided group by group with bounds that hold far out (see [`super::growth`]).

use super::asymptotic::{Bound, Interval};
use super::facts::{Facts, facts};
use super::growth::{Evaluator, Tail, describe, falling, tail};
use super::rewrite::{affine_nodes, rebuild, specialise};
use super::{Normalizable, Verdict};
use crate::energy::formula::function::Function;
use crate::energy::formula::graph::{Graph, Id, Node};
use crate::energy::formula::groups::{add_chain, coordinates, independent, terms};
use crate::points::Support;

/// Most coordinates for which linear forms are compared.
const MAX_LINEAR: usize = 64;

/// Decides one formula, with the parameters at `theta`.
pub fn prove(graph: &Graph, root: Id, theta: &[f64], supports: &[Support], names: &[String]) -> Verdict {
    let (graph, root) = specialise(graph, root, theta);
    let mut problem =
        Problem { graph, root, supports: supports.to_vec(), names: names.to_vec(), back: None, notes: vec![] };
    let n = supports.len();
    if problem.graph.as_const(root).is_some_and(|c| !c.is_finite()) || problem.graph.is_uniform(root) {
        return problem.constant();
    }
    if n > 1
        && n <= MAX_LINEAR
        && supports.iter().all(|s| *s == Support::Real)
        && let Some(verdict) = problem.linear_forms()
    {
        return verdict;
    }
    problem.decide()
}

struct Problem {
    graph: Graph,
    root: Id,
    supports: Vec<Support>,
    names: Vec<String>,
    /// Columns of the map from the coordinates in use to the original ones.
    back: Option<Vec<Vec<f64>>>,
    notes: Vec<String>,
}

fn unit(mut v: Vec<f64>) -> Vec<f64> {
    let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
    v.iter_mut().for_each(|a| *a = *a / norm + 0.0);
    v
}

impl Problem {
    /// A direction in the coordinates in use, as a unit vector in the original ones.
    fn direction(&self, v: Vec<f64>) -> Vec<f64> {
        match &self.back {
            None => unit(v),
            Some(columns) => {
                let n = v.len();
                unit((0..n).map(|i| (0..n).map(|k| columns[k][i] * v[k]).sum()).collect())
            }
        }
    }

    fn axis(&self, j: usize, sign: f64) -> Vec<f64> {
        let mut v = vec![0.0; self.supports.len()];
        v[j] = sign;
        v
    }

    fn no(&self, direction: Vec<f64>, reason: String) -> Verdict {
        Verdict { normalizable: Normalizable::No, reason, falls_along: Some(self.direction(direction)) }
    }

    /// An unbounded end of coordinate j, as a sign.
    fn open_end(&self, j: usize) -> Option<f64> {
        let s = self.supports[j];
        if s.upper() == f64::INFINITY {
            Some(1.0)
        } else if s.lower() == f64::NEG_INFINITY {
            Some(-1.0)
        } else {
            None
        }
    }

    fn constant(&self) -> Verdict {
        let value = self.graph.as_const(self.root);
        if !value.is_some_and(f64::is_finite) {
            return Verdict::unproven("the energy is not a finite number for these parameters");
        }
        match (0..self.supports.len()).find_map(|j| self.open_end(j).map(|s| (j, s))) {
            Some((j, sign)) => self.no(self.axis(j, sign), "the energy is constant, so exp(-E) does not decay".into()),
            None => Verdict::yes("the energy is constant on a bounded support"),
        }
    }

    /// Linear forms a.x + b that the energy is a function of: if they leave a direction out, E is constant along it;
    /// if there are as many as coordinates, they become the coordinates (the Jacobian is constant).
    fn linear_forms(&mut self) -> Option<Verdict> {
        let n = self.supports.len();
        let order = self.graph.schedule(&[self.root]);
        if order.len() * n > 20_000 {
            return None;
        }
        let affine = affine_nodes(&self.graph, &order, n);
        // The outermost affine nodes, without constants.
        let mut outer: Vec<Id> = Vec::new();
        let mut stack = vec![self.root];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            match affine.get(&id) {
                Some((v, _)) => {
                    if v.iter().any(|a| *a != 0.0) {
                        outer.push(id);
                    }
                }
                None => stack.extend(crate::energy::formula::graph::arguments(self.graph.node(id))),
            }
        }
        // Distinct directions.
        let mut forms: Vec<Vec<f64>> = Vec::new();
        let mut which = Vec::new();
        for id in &outer {
            let (v, _) = &affine[id];
            if v.iter().any(|a| !a.is_finite()) {
                return None;
            }
            let pivot = v.iter().copied().fold(0.0f64, |m, a| if a.abs() > m.abs() { a } else { m });
            let w: Vec<f64> = v.iter().map(|a| a / pivot).collect();
            let same = |f: &Vec<f64>| f.iter().zip(&w).all(|(a, b)| (a - b).abs() <= 1e-14);
            let k = forms.iter().position(same).unwrap_or_else(|| {
                forms.push(w);
                forms.len() - 1
            });
            which.push((*id, k, pivot));
        }
        if let Some(v) = null_vector(&forms, n) {
            let direction = self.no(v, "the energy does not change at all along a direction".into());
            return Some(direction);
        }
        let axes = forms.iter().all(|f| f.iter().filter(|a| **a != 0.0).count() == 1);
        if forms.len() != n || axes {
            return None;
        }
        let matrix = faer::Mat::from_fn(n, n, |i, j| forms[i][j]);
        let inverse = {
            use faer::linalg::solvers::DenseSolveCore;
            matrix.partial_piv_lu().inverse()
        };
        let mut graph = Graph::default();
        let root = rebuild(&self.graph, self.root, &mut graph, |id, to| {
            let (_, k, pivot) = which.iter().find(|w| w.0 == id)?;
            let x = to.x(*k);
            let slope = to.constant(*pivot);
            let offset = to.constant(affine[&id].1);
            let scaled = to.mul(slope, x);
            Some(to.add(scaled, offset))
        });
        self.graph = graph;
        self.root = root;
        self.back = Some((0..n).map(|k| (0..n).map(|i| inverse[(i, k)]).collect()).collect());
        self.names = (1..=n).map(|k| format!("u{k}")).collect();
        self.notes.push("in the coordinates of its linear forms".into());
        None
    }

    fn decide(&mut self) -> Verdict {
        let n = self.supports.len();
        // Coordinates that do not occur at all.
        let used = coordinates(&self.graph, self.root);
        for j in 0..n {
            if !used.contains(&j)
                && let Some(sign) = self.open_end(j)
            {
                let reason = format!("the energy does not depend on {}", self.names[j]);
                return self.no(self.axis(j, sign), reason);
            }
        }
        let dropped = match self.integrate_out() {
            Ok(dropped) => dropped,
            Err(verdict) => return *verdict,
        };
        let mut reasons: Vec<String> = Vec::new();
        let mut open: Option<Verdict> = None;
        for (variables, root) in independent(&mut self.graph, self.root, n) {
            if variables.iter().all(|j| dropped.contains(j)) {
                continue;
            }
            let verdict = self.group(&variables, root);
            match verdict.normalizable {
                Normalizable::No => return verdict,
                Normalizable::Unproven => {
                    open.get_or_insert(verdict);
                }
                Normalizable::Yes => {
                    if !reasons.contains(&verdict.reason) {
                        reasons.push(verdict.reason);
                    }
                }
            }
        }
        if let Some(verdict) = open {
            return verdict;
        }
        let mut all = std::mem::take(&mut self.notes);
        let n_left = reasons.len().saturating_sub(3);
        all.extend(reasons.into_iter().take(3));
        if n_left > 0 {
            all.push(format!("and {n_left} more groups of coordinates likewise"));
        }
        Verdict::yes(&all.join("; "))
    }

    /// Integrates coordinates out that occur in one term only. Returns which they are, or a
    /// refutation if one of the integrals is infinite.
    ///
    /// With `b = a x_v + h(rest)` and a constant, shifting and scaling x_v removes h: `integral exp(-phi(b)) dx_v` is the
    /// constant `integral exp(-phi(a s)) ds`, so the term can be dropped. With a factor, `integral exp(-g(rest) |b|^m) dx_v`
    /// is a constant times `g^(-1/m)`, so that the term becomes `log(g)/m`.
    fn integrate_out(&mut self) -> Result<Vec<usize>, Box<Verdict>> {
        let n = self.supports.len();
        let mut dropped: Vec<usize> = Vec::new();
        let mut alive = vec![true; n];
        loop {
            let list = terms(&mut self.graph, self.root);
            let variables: Vec<Vec<usize>> = list.iter().map(|t| coordinates(&self.graph, *t)).collect();
            let mut occurrences = vec![Vec::new(); n];
            for (i, v) in variables.iter().enumerate() {
                for &j in v {
                    occurrences[j].push(i);
                }
            }
            let all_facts = facts(&self.graph, self.root, &self.supports);
            let mut new_terms: Vec<Id> = Vec::new();
            let mut gone = vec![false; list.len()];
            for v in 0..n {
                let [i] = occurrences[v][..] else { continue };
                if gone[i] || !alive[v] || self.supports[v] != Support::Real || variables[i].len() < 2 {
                    continue;
                }
                match self.integral(list[i], v, &all_facts) {
                    Integral::Unknown => continue,
                    Integral::Infinite => {
                        let reason = format!(
                            "exp(-E) does not decay in {}: its integral over {} is infinite",
                            self.names[v], self.names[v]
                        );
                        return Err(Box::new(self.no(self.axis(v, 1.0), reason)));
                    }
                    Integral::Constant => {}
                    Integral::Term(t) => new_terms.push(t),
                }
                gone[i] = true;
                alive[v] = false;
                dropped.push(v);
            }
            if !gone.contains(&true) {
                break;
            }
            let kept = list.iter().zip(&gone).filter(|(_, g)| !**g).map(|(t, _)| *t).chain(new_terms);
            let kept: Vec<Id> = kept.collect();
            self.root = self.graph.sum(&kept);
            let used = coordinates(&self.graph, self.root);
            for j in 0..n {
                if alive[j]
                    && !used.contains(&j)
                    && let Some(sign) = self.open_end(j)
                {
                    let over: Vec<&str> = dropped.iter().map(|d| self.names[*d].as_str()).collect();
                    let reason = format!(
                        "after integrating over {} nothing depends on {}: a valley of constant weight goes on for ever",
                        over.join(", "),
                        self.names[j]
                    );
                    return Err(Box::new(self.no(self.axis(j, sign), reason)));
                }
            }
        }
        if !dropped.is_empty() {
            let shown: Vec<&str> = dropped.iter().take(4).map(|d| self.names[*d].as_str()).collect();
            let more = if dropped.len() > 4 { ", ..." } else { "" };
            self.notes.push(format!("{}{more} can be integrated out in closed form", shown.join(", ")));
        }
        Ok(dropped)
    }

    fn integral(&mut self, term: Id, v: usize, all: &[Facts]) -> Integral {
        // c * product of factors, one of which is an even power of a shift of x_v.
        let (c, factors) = factors(&self.graph, term);
        let with_v: Vec<usize> =
            (0..factors.len()).filter(|&k| coordinates(&self.graph, factors[k].0).contains(&v)).collect();
        if let [k] = with_v[..] {
            let (base, power) = factors[k];
            let (base, power) = match *self.graph.node(base) {
                Node::Call(Function::Abs, inner) if power > 0 => (inner, Some(power)),
                _ => (base, (power > 0 && power % 2 == 0).then_some(power)),
            };
            let rest_positive = factors
                .iter()
                .enumerate()
                .all(|(i, f)| i == k || all.get(f.0 as usize).is_some_and(|f| f.positive && f.defined));
            if let Some(m) = power
                && c > 0.0
                && rest_positive
                && is_shift(&self.graph, base, v)
            {
                let mut logs = Vec::new();
                for (i, (g, p)) in factors.iter().enumerate() {
                    if i != k {
                        let log = self.graph.call(Function::Log, *g);
                        let weight = self.graph.constant(*p as f64 / m as f64);
                        logs.push(self.graph.mul(weight, log));
                    }
                }
                return match logs[..] {
                    [] => Integral::Constant,
                    _ => Integral::Term(self.graph.sum(&logs)),
                };
            }
        }
        // phi(b) through functions of one argument only.
        let mut at = term;
        while !is_shift(&self.graph, at, v) {
            at = match *self.graph.node(at) {
                Node::Mul(u, a) if self.graph.is_uniform(u) => a,
                Node::Add(a, u) if self.graph.is_uniform(u) => a,
                Node::PowI(a, _) | Node::Call(_, a) | Node::Poly(a, _) => a,
                _ => return Integral::Unknown,
            };
        }
        let mut line = Graph::default();
        let root = rebuild(&self.graph, term, &mut line, |id, to| (id == at).then(|| to.x(0)));
        let mut phi = Problem {
            graph: line,
            root,
            supports: vec![Support::Real],
            names: vec!["x".into()],
            back: None,
            notes: vec![],
        };
        match phi.line(0, root).normalizable {
            Normalizable::Yes => Integral::Constant,
            Normalizable::No => Integral::Infinite,
            Normalizable::Unproven => Integral::Unknown,
        }
    }

    /// One coordinate: the bounds at the ends are exact in the leading term.
    fn line(&mut self, j: usize, root: Id) -> Verdict {
        let mut x = vec![Interval::constant(0.0); self.supports.len()];
        let support = self.supports[j];
        let mut lows: Vec<(f64, Bound)> = Vec::new();
        let mut open = false;
        let mut worst: Option<(f64, Bound)> = None;
        let mut evaluator = Evaluator::new(&self.graph, root);
        for (sign, end) in [(1.0, support.upper()), (-1.0, support.lower())] {
            if end.is_finite() {
                continue;
            }
            x[j] = Interval::power(1.0, sign, sign);
            let e = evaluator.value(&x);
            match tail(&e, 1.0) {
                Tail::Converges => lows.push((sign, e.lo)),
                Tail::Diverges => {
                    if worst.as_ref().is_none_or(|(_, hi)| e.hi.compare(hi).is_lt()) {
                        worst = Some((sign, e.hi));
                    }
                }
                Tail::Open => open = true,
            }
        }
        let name = &self.names[j];
        let f = facts(&self.graph, root, &self.supports)[root as usize];
        if let (Some((sign, hi)), true) = (worst, f.defined) {
            let end = if sign > 0.0 { "inf" } else { "-inf" };
            let rate = falling(&hi, &format!("|{name}|"));
            let reason = format!("as {name} -> {end} the energy {rate}, and not faster than log |{name}|");
            return self.no(self.axis(j, sign), reason);
        }
        if let Some(reason) = locally(f) {
            return Verdict::unproven(&reason);
        }
        if open {
            return Verdict::unproven(&format!("the growth of the energy in {name} could not be bounded"));
        }
        match lows.iter().map(|l| &l.1).min_by(|a, b| a.compare(b)) {
            None => Verdict::yes(&format!("{name} is bounded and so is the energy from below")),
            Some(low) => {
                let far = format!("|{name}|");
                Verdict::yes(&format!("the energy grows like {} for large {far}", describe(low, &far)))
            }
        }
    }

    fn group(&mut self, variables: &[usize], root: Id) -> Verdict {
        let open: Vec<usize> = variables.iter().copied().filter(|&j| self.open_end(j).is_some()).collect();
        if let [j] = variables[..] {
            return self.line(j, root);
        }
        let f = facts(&self.graph, root, &self.supports)[root as usize];
        if open.is_empty() {
            return match locally(f) {
                None => Verdict::yes("the support is bounded and the energy is bounded below on it"),
                Some(reason) => Verdict::unproven(&reason),
            };
        }
        super::cones::decide(self.view(), variables, &open, root, f)
    }

    fn view(&mut self) -> View<'_> {
        View { graph: &mut self.graph, supports: &self.supports, names: &self.names, back: self.back.as_deref() }
    }
}

/// What the analysis of one group reads.
pub struct View<'a> {
    pub graph: &'a mut Graph,
    pub supports: &'a [Support],
    pub names: &'a [String],
    pub back: Option<&'a [Vec<f64>]>,
}

impl View<'_> {
    /// A refutation along `v` (in the coordinates in use).
    pub fn no(&self, v: Vec<f64>, reason: String) -> Verdict {
        let problem_direction = match self.back {
            None => unit(v),
            Some(columns) => {
                let n = v.len();
                unit((0..n).map(|i| (0..n).map(|k| columns[k][i] * v[k]).sum()).collect())
            }
        };
        Verdict { normalizable: Normalizable::No, reason, falls_along: Some(problem_direction) }
    }
}

enum Integral {
    /// Finite and independent of the other coordinates.
    Constant,
    /// Finite; minus its logarithm is this, up to a constant.
    Term(Id),
    Infinite,
    Unknown,
}

/// Why exp(-E) may fail to be integrable at a finite point, if it may.
pub fn locally(f: Facts) -> Option<String> {
    if !f.defined {
        return Some("the energy may be undefined on part of the support; restrict it with --bounds".into());
    }
    (!f.below).then(|| "the energy may fall without bound near a finite point".into())
}

/// A term as constant times powers.
pub fn factors(graph: &Graph, term: Id) -> (f64, Vec<(Id, i32)>) {
    let mut c = 1.0;
    let mut out = Vec::new();
    let mut stack = vec![(term, 1)];
    while let Some((id, power)) = stack.pop() {
        match *graph.node(id) {
            Node::Mul(a, b) => stack.extend([(a, power), (b, power)]),
            Node::Div(a, b) => stack.extend([(a, power), (b, -power)]),
            Node::PowI(a, n) if i32::checked_mul(power, n).is_some() => stack.push((a, power * n)),
            _ => match graph.as_const(id) {
                Some(value) => c *= value.powi(power),
                None => out.push((id, power)),
            },
        }
    }
    (c, out)
}

/// Whether `id` is a constant non-zero multiple of x_v plus something without x_v.
fn is_shift(graph: &Graph, id: Id, v: usize) -> bool {
    let linear = |id: Id| match graph.node(id) {
        Node::X(j) => *j as usize == v,
        Node::Mul(u, a) => {
            graph.as_const(*u).is_some_and(|u| u != 0.0 && u.is_finite())
                && matches!(graph.node(*a), Node::X(j) if *j as usize == v)
        }
        Node::Poly(a, c) => {
            c.len() == 2
                && matches!(graph.node(*a), Node::X(j) if *j as usize == v)
                && graph.as_const(c[1]).is_some_and(|u| u != 0.0 && u.is_finite())
                && graph.as_const(c[0]).is_some_and(f64::is_finite)
        }
        _ => false,
    };
    let mut n_linear = 0;
    for part in add_chain(graph, id) {
        if linear(part) {
            n_linear += 1;
        } else if coordinates(graph, part).contains(&v) {
            return false;
        }
    }
    n_linear == 1
}

/// A vector orthogonal to all rows, if there is one: Gaussian elimination with full pivoting.
fn null_vector(rows: &[Vec<f64>], n: usize) -> Option<Vec<f64>> {
    let mut a: Vec<Vec<f64>> = rows.to_vec();
    let mut pivots: Vec<usize> = Vec::new();
    for step in 0..a.len().min(n) {
        let mut best = (0.0, 0, 0);
        for (i, row) in a.iter().enumerate().skip(step) {
            for (j, value) in row.iter().enumerate() {
                if !pivots.contains(&j) && value.abs() > best.0 {
                    best = (value.abs(), i, j);
                }
            }
        }
        if best.0 <= 1e-13 {
            break;
        }
        a.swap(step, best.1);
        let j = best.2;
        pivots.push(j);
        let pivot_row = a[step].clone();
        for (i, row) in a.iter_mut().enumerate() {
            if i != step && row[j] != 0.0 {
                let factor = row[j] / pivot_row[j];
                row.iter_mut().zip(&pivot_row).for_each(|(x, p)| *x -= factor * p);
            }
        }
    }
    let free = (0..n).find(|j| !pivots.contains(j))?;
    let mut v = vec![0.0; n];
    v[free] = 1.0;
    for (row, &j) in a.iter().zip(&pivots) {
        v[j] = -row[free] / row[j];
    }
    Some(v)
}
