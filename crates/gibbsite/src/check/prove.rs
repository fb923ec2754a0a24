//! Proofs and refutations of normalisability for formulas.
//!
//! The energy is simplified by steps that keep `integral exp(-E)` up to a finite non-zero factor, so that both answers
//! carry over: parameters become numbers; a linear change of coordinates makes the linear forms of the energy
//! coordinates; coordinates that can be integrated out in closed form are; independent groups of coordinates are
//! separated. What remains is decided group by group with bounds that hold far out (see [`super::growth`]).

use super::facts::{Facts, facts_of};
use super::integrate::{Dropped, integrate_out};
use super::linear::linear_forms;
use super::rewrite::specialise;
use super::{Normalizable, Verdict, cones, line, straight};
use crate::energy::formula::graph::{Graph, Id};
use crate::energy::formula::groups::{coordinates, independent};
use crate::points::Support;

/// Decides one formula, with the parameters at `theta`.
pub fn prove(graph: &Graph, root: Id, theta: &[f64], supports: &[Support], names: &[String]) -> Verdict {
    let (graph, root) = specialise(graph, root, theta);
    let mut problem = Problem::new(graph, root, supports.to_vec(), names.to_vec());
    if problem.graph.as_const(root).is_some_and(|c| !c.is_finite()) || problem.graph.is_uniform(root) {
        return problem.constant();
    }
    if supports.len() > 1
        && supports.iter().all(|s| *s == Support::Real)
        && let Some(verdict) = linear_forms(&mut problem)
    {
        return verdict;
    }
    problem.decide()
}

/// An energy on its way to an answer.
pub struct Problem {
    pub graph: Graph,
    /// What is left of the energy.
    pub root: Id,
    /// The energy before coordinates were integrated out.
    pub whole: Id,
    pub supports: Vec<Support>,
    pub names: Vec<String>,
    /// Columns of the map from the coordinates in use to the original ones.
    pub back: Option<Vec<Vec<f64>>>,
    pub notes: Vec<String>,
    /// Coordinates that were integrated out.
    pub dropped: Vec<Dropped>,
    /// Limit of the moments found on the way, as in [`Verdict::moments`].
    pub moments: Option<u32>,
}

impl Problem {
    pub fn new(graph: Graph, root: Id, supports: Vec<Support>, names: Vec<String>) -> Self {
        let (back, notes, dropped, moments) = (None, Vec::new(), Vec::new(), None);
        Self { graph, root, whole: root, supports, names, back, notes, dropped, moments }
    }

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

    /// The unit vector of coordinate j, times a sign.
    pub fn axis(&self, j: usize, sign: f64) -> Vec<f64> {
        let mut v = vec![0.0; self.supports.len()];
        v[j] = sign;
        v
    }

    /// A refutation along a direction of the coordinates in use, on a ray of which exp(-E) is known not to decay.
    pub fn refuse_straight(&self, v: Vec<f64>, reason: String) -> Verdict {
        Verdict { falls_along: Some(self.direction(v)), ..Verdict::no(reason) }
    }

    /// A refutation: what is left of the energy does not decay along `v`, or near the points where the coordinates `at` have
    /// the values given. The whole energy may do so on curves only, and then no direction is named.
    pub fn refuse(&mut self, v: Option<Vec<f64>>, at: &[(usize, f64)], reason: String) -> Verdict {
        if self.dropped.is_empty() {
            return match v {
                Some(v) => self.refuse_straight(v, reason),
                None => Verdict::no(reason),
            };
        }
        match straight::direction(self, v.as_deref(), at) {
            Some(v) => self.refuse_straight(v, reason),
            None => Verdict::no(format!("{reason}; {}", straight::curve(self))),
        }
    }

    /// An unbounded end of coordinate j, as a sign.
    pub fn open_end(&self, j: usize) -> Option<f64> {
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
            Some((j, sign)) => {
                let reason = "the energy is constant, so exp(-E) does not decay".into();
                self.refuse_straight(self.axis(j, sign), reason)
            }
            None => Verdict::yes("the energy is constant on a bounded support"),
        }
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
                return self.refuse_straight(self.axis(j, sign), reason);
            }
        }
        if let Some(verdict) = integrate_out(self) {
            return verdict;
        }
        let dropped: Vec<usize> = self.dropped.iter().map(|d| d.coordinate).collect();
        let mut reasons: Vec<String> = Vec::new();
        let mut open: Option<Verdict> = None;
        let mut moments = self.moments;
        for (variables, root) in independent(&mut self.graph, self.root, n) {
            if variables.iter().all(|j| dropped.contains(j)) {
                continue;
            }
            let verdict = self.group(&variables, root);
            moments = lower_limit(moments, verdict.moments);
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
        Verdict { moments, ..Verdict::yes(&all.join("; ")) }
    }

    fn group(&mut self, variables: &[usize], root: Id) -> Verdict {
        let open: Vec<usize> = variables.iter().copied().filter(|&j| self.open_end(j).is_some()).collect();
        if let [j] = variables[..] {
            return line::decide(self, j, root);
        }
        let f = facts_of(&self.graph, root, &self.supports);
        if open.is_empty() {
            return match locally(f) {
                None => Verdict::yes("the support is bounded and the energy is bounded below on it"),
                Some(reason) => Verdict::unproven(&reason),
            };
        }
        cones::decide(self, variables, &open, root, f)
    }
}

/// The stricter of two limits on moments.
pub fn lower_limit(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn unit(mut v: Vec<f64>) -> Vec<f64> {
    let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
    v.iter_mut().for_each(|a| *a = *a / norm + 0.0);
    v
}

/// Why exp(-E) may fail to be integrable at a finite point, if it may.
pub fn locally(f: Facts) -> Option<String> {
    if !f.defined {
        return Some("the energy may be undefined on part of the support; restrict it with --bounds".into());
    }
    (!f.below).then(|| "the energy may fall without bound near a finite point".into())
}
