//! Nested adaptive quadrature over many lines at once.
//!
//! A *line* fixes the first `j` coordinates and integrates the others: l(x_j) is -E for the last coordinate, and the log
//! of an inner integral for the others. All lines of a block go through the same stages together (scan, panels,
//! bisection), and every stage evaluates everything that is pending in one call, so the energy always sees long batches.
//! Lines do not influence each other: the result is the same for any block size and number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::LogZError;
use super::panel::{Panel, Spread, make_panel, select};
use super::rule::{ENDS, N, NODES};
use super::scan::{End, Sample, Scan, base_grid};
use crate::energy::Energy;
use crate::points::{Matrix, Points, Support};

/// Lines of one block.
const BLOCK: usize = 64;

/// Energy evaluations after which quadrature gives up, by dimension: some ten times what hard integrands need.
const MAX_EVALS: [u64; 3] = [20_000_000, 30_000_000, 300_000_000];

/// The same where the nodes are kept: a hundred bytes of each evaluation stay in memory.
const MAX_EVALS_KEPT: u64 = 30_000_000;

/// Beyond this |x| lines end because numbers do.
const OVERFLOW: f64 = 1e50;

/// Nearer to the origin the grid is close enough by itself.
const NEAR: f64 = 5.0;

/// Everything that stays the same while one integral is computed.
pub(crate) struct Context<'a, E: ?Sized> {
    pub energy: &'a E,
    pub supports: Vec<Support>,
    /// Relative tolerance at each level.
    pub tol: Vec<f64>,
    /// How far from the origin the grids of each coordinate go.
    pub reach: Vec<f64>,
    /// Spacing of the grid near the origin.
    pub du: f64,
    /// Least number of cells over the region that holds the mass.
    pub n_hull: usize,
    /// Places that the energy names, whatever the coordinate.
    pub landmarks: Vec<f64>,
    /// Keep the panels of inner lines.
    pub collect: bool,
    pub n_evals: AtomicU64,
}

/// The integral over one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub log_z: f64,
    /// Estimated relative error of the integral.
    pub rel_err: f64,
    /// Mean and variance of the energy under exp(-E) on the line; zero for crude lines.
    pub energy: Spread,
    /// Where exp(-E) is largest, this coordinate and the inner ones.
    pub peak: [f64; 3],
    /// Largest |x| with relevant mass, this coordinate and the inner ones.
    pub reach: [f64; 3],
    /// Panels by increasing x; empty for crude lines, and for inner ones where nodes are not collected.
    pub panels: Vec<Panel>,
    /// Direction in which the integral is infinite.
    pub diverges: Option<Diverges>,
    /// Mass that was not integrated, relative to the integral.
    pub tail: Tail,
    /// Estimated errors of `energy`.
    pub energy_error: Spread,
    /// Where the energy jumps to infinity inside the support (lines of the last coordinate only).
    pub gap: Option<(f64, f64)>,
}

/// The tails beyond the samples of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tail {
    /// Their share of the integral.
    pub share: f64,
    /// How far their mean energy lies from that at the peak, and how far their energies spread.
    pub above: f64,
    pub spread: f64,
}

/// Where a line does not decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Diverges {
    /// A far point in the direction.
    Along([f64; 3]),
    /// A finite end.
    AtEnd(usize, f64),
    /// A far point in the direction; the integral may be finite all the same.
    Unseen([f64; 3]),
}

/// Evaluations asked for: one line index and position each.
#[derive(Default)]
struct Wanted {
    line: Vec<u32>,
    x: Vec<f64>,
}

impl<E: Energy + ?Sized> Context<'_, E> {
    fn dim(&self) -> usize {
        self.supports.len()
    }

    /// Inner lines lighter than the outer integral by this many nats are left crude.
    fn margin(&self) -> f64 {
        12.0 - self.tol[0].ln()
    }

    /// l at the wanted points of level `j`, and the inner lines where there are any, each with its floor.
    fn eval(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        at: &Wanted,
        floors: &[f64],
        full: bool,
    ) -> Result<(Vec<f64>, Vec<Line>), LogZError> {
        let n = at.x.len();
        let mut m = Matrix::new(n, j + 1);
        for c in 0..j {
            let from = prefix.col(c);
            for (to, line) in m.col_mut(c).iter_mut().zip(&at.line) {
                *to = from[*line as usize];
            }
        }
        m.col_mut(j).copy_from_slice(&at.x);
        if j + 1 == self.dim() {
            // Whether the limit is passed depends on the total alone, not on the order of threads.
            let limit = MAX_EVALS[self.dim() - 1].min(if self.collect { MAX_EVALS_KEPT } else { u64::MAX });
            if self.n_evals.fetch_add(n as u64, Ordering::Relaxed) + n as u64 > limit {
                return Err(LogZError::TooHard { limit });
            }
            let mut e = vec![0.0; n];
            self.energy.energy(&Points::from_real(m), &mut e);
            e.iter_mut().for_each(|e| *e = -*e);
            return Ok((e, Vec::new()));
        }
        let lines = self.integrate(j + 1, &m, floors, full)?;
        Ok((lines.iter().map(|l| l.log_z).collect(), lines))
    }

    /// Integrates coordinates `j..` for every row of `prefix`, shape `(n, j)`. Lines whose log integral is below their
    /// `floor` are left crude; with `full` false all are.
    pub fn integrate(&self, j: usize, prefix: &Matrix<f64>, floor: &[f64], full: bool) -> Result<Vec<Line>, LogZError> {
        let n = prefix.n_rows();
        let grid = self.with_landmarks(j, base_grid(self.supports[j], self.reach[j], self.du));
        if n <= BLOCK {
            return self.block(j, prefix, floor, full, &grid);
        }
        let blocks: Vec<Vec<Line>> = (0..n.div_ceil(BLOCK))
            .into_par_iter()
            .map(|b| {
                let first = b * BLOCK;
                let len = BLOCK.min(n - first);
                self.block(j, &prefix.rows(first, len), &floor[first..first + len], full, &grid)
            })
            .collect::<Result<_, _>>()?;
        Ok(blocks.into_iter().flatten().collect())
    }

    /// The grid, and points about the places that the energy names: a mode far out may be narrower than the grid is there.
    fn with_landmarks(&self, j: usize, mut grid: Vec<f64>) -> Vec<f64> {
        if self.landmarks.is_empty() {
            return grid;
        }
        let support = self.supports[j];
        // Where lines nest, every point is a line.
        let (offsets, n_places) = if self.dim() == 1 {
            ((0..16).map(|k| 0.01 * 1e4f64.powf(f64::from(k) / 15.0)).collect(), usize::MAX)
        } else {
            (vec![1.0], 8)
        };
        for &at in self.landmarks.iter().filter(|at| at.abs() > NEAR).take(n_places) {
            let around = offsets.iter().flat_map(|by| [at - by, at + by]).chain([at]);
            grid.extend(around.filter(|x| support.contains(*x) && x.abs() <= self.reach[j]));
        }
        grid.sort_by(f64::total_cmp);
        grid.dedup();
        grid
    }

    fn block(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        floor: &[f64],
        full: bool,
        grid: &[f64],
    ) -> Result<Vec<Line>, LogZError> {
        let scanned = self.scan(j, prefix, floor, full, grid)?;
        let mut lines = Vec::with_capacity(scanned.len());
        let mut starts = Vec::new();
        let mut relaxed = Vec::with_capacity(scanned.len());
        for (i, (scan, notes)) in scanned.iter().enumerate() {
            let mut line = self.crude_line(j, prefix, i, scan, notes);
            // A line that weighs little need not be accurate: its tolerance is relative to the heaviest one.
            let relax = (floor[i] + self.margin() - line.log_z).clamp(0.0, (1e-3 / self.tol[j]).ln());
            relaxed.push(if relax.is_nan() { 0.0 } else { relax });
            let go_on = full && line.diverges.is_none() && line.log_z.is_finite() && line.log_z > floor[i];
            if go_on {
                let drop = 5.0 + 0.4 * (self.tol[j].ln() + relaxed[i] + 30.0).clamp(0.0, 15.0);
                let cut = (self.tol[j] * 1e-3).ln() + relaxed[i];
                // What the panels leave out at either end belongs to the error.
                line.rel_err += 2.0 * cut.exp();
                starts.extend(scan.panels(self.supports[j], cut, drop).into_iter().map(|(a, b)| (i as u32, a, b)));
            }
            lines.push(line);
        }
        if full {
            self.bisect(j, prefix, &mut lines, &relaxed, starts)?;
        }
        Ok(lines)
    }

    /// Grid, refinement and tails of every line.
    fn scan(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        floor: &[f64],
        full: bool,
        grid: &[f64],
    ) -> Result<Vec<(Scan, Vec<Line>)>, LogZError> {
        let n = prefix.n_rows();
        let outer = j + 1 < self.dim();
        // Lines far from the mass are noise at any resolution: crude ones stop early.
        let (max_rounds, max_samples) = if full { (100, 20_000) } else { (100, 1000) };
        let empty = |i: usize| (Scan::new(outer, self.dim(), &prefix.row(i)), Vec::new());
        let mut lines: Vec<(Scan, Vec<Line>)> = (0..n).map(empty).collect();
        let mut at = Wanted::default();
        for i in 0..n {
            at.line.extend(std::iter::repeat_n(i as u32, grid.len()));
            at.x.extend_from_slice(grid);
        }
        let mut more = Vec::new();
        while !at.x.is_empty() {
            let (ell, inner) = self.eval(j, prefix, &at, &vec![f64::NEG_INFINITY; at.x.len()], false)?;
            let mut inner = inner.into_iter();
            let mut start = 0;
            while start < at.line.len() {
                let i = at.line[start] as usize;
                let end = start + at.line[start..].iter().take_while(|l| **l as usize == i).count();
                let (scan, notes) = &mut lines[i];
                let first_note = notes.len();
                if outer {
                    notes.extend(inner.by_ref().take(end - start));
                }
                scan.insert((start..end).map(|k| {
                    let note = first_note + k - start;
                    // Where numbers end, inner integrals do before: that is where this line ends, too.
                    let unseen = |l: &Line| matches!(l.diverges, Some(Diverges::Unseen(_)));
                    let is_lost = at.x[k].abs() > OVERFLOW && notes.get(note).is_some_and(unseen);
                    let ell = if is_lost { f64::NEG_INFINITY } else { ell[k] };
                    Sample { x: at.x[k], ell, note: note as u32 }
                }));
                if scan.s.iter().all(|s| s.ell.is_nan()) && j > 0 {
                    // Nothing is defined on this line; the outer level judges whether it may matter.
                    scan.s.clear();
                    start = end;
                    continue;
                }
                if let Some(bad) = scan.drop_overflow() {
                    return Err(LogZError::Undefined {
                        point: self.full_point(j, prefix, i, bad.x, notes.get(bad.note as usize)),
                    });
                }
                if let Some(bad) = scan.s.iter().find(|s| !outer && s.ell == f64::INFINITY && s.x.abs() < 1e3) {
                    return Err(LogZError::Unbounded {
                        point: self.full_point(j, prefix, i, bad.x, notes.get(bad.note as usize)),
                    });
                }
                start = end;
            }
            at.line.clear();
            at.x.clear();
            for (i, (scan, _)) in lines.iter_mut().enumerate() {
                scan.wants(self.supports[j], floor[i], self.n_hull, (max_rounds, max_samples), &mut more);
                at.line.extend(std::iter::repeat_n(i as u32, more.len()));
                at.x.extend_from_slice(&more);
            }
        }
        Ok(lines)
    }

    /// The point at `x` on line `i`, inner coordinates at their peak.
    fn full_point(&self, j: usize, prefix: &Matrix<f64>, i: usize, x: f64, inner: Option<&Line>) -> Vec<f64> {
        let mut p: Vec<f64> = prefix.row(i);
        p.push(x);
        for c in j + 1..self.dim() {
            p.push(inner.map_or(f64::NAN, |l| l.peak[c]));
        }
        p
    }

    /// What the scan alone says.
    fn crude_line(&self, j: usize, prefix: &Matrix<f64>, i: usize, scan: &Scan, notes: &[Line]) -> Line {
        if scan.s.is_empty() {
            return Line { log_z: f64::NAN, rel_err: f64::INFINITY, ..Line::default() };
        }
        let support = self.supports[j];
        let total = scan.crude();
        let best = scan.best();
        let mut line = Line { log_z: total, rel_err: 1.0, ..Line::default() };
        line.peak[j] = best.x;
        if let Some(inner) = notes.get(best.note as usize) {
            line.peak[j + 1..].copy_from_slice(&inner.peak[j + 1..]);
        }
        for s in scan.s.iter().filter(|s| s.ell >= best.ell - 50.0) {
            line.reach[j] = line.reach[j].max(s.x.abs());
            if let Some(inner) = notes.get(s.note as usize) {
                for c in j + 1..self.dim() {
                    line.reach[c] = line.reach[c].max(inner.reach[c]);
                }
                // An inner integral that diverges only counts where it carries mass.
                let is_unknown = matches!(line.diverges, None | Some(Diverges::Unseen(_)));
                if inner.diverges.is_some() && is_unknown {
                    line.diverges = inner.diverges;
                }
            }
        }
        for upper in [false, true] {
            let end = if upper { support.upper() } else { support.lower() };
            match scan.end(support, upper, total) {
                End::Diverges if end.is_finite() => line.diverges = Some(Diverges::AtEnd(j, end)),
                end @ (End::Diverges | End::Unseen) => {
                    let far = if upper { &scan.s[scan.s.len() - 1] } else { &scan.s[0] };
                    let far = if far.ell > f64::NEG_INFINITY {
                        far
                    } else {
                        let mut ends = scan.s.iter().filter(|s| s.ell > f64::NEG_INFINITY);
                        (if upper { ends.next_back() } else { ends.next() }).unwrap_or(far)
                    };
                    let p = self.full_point(j, prefix, i, far.x, notes.get(far.note as usize));
                    let mut at = [0.0; 3];
                    at[..p.len()].copy_from_slice(&p);
                    // What is certain of an inner line outweighs what is not of this one.
                    if end == End::Diverges {
                        line.diverges = Some(Diverges::Along(at));
                    } else {
                        line.diverges.get_or_insert(Diverges::Unseen(at));
                    }
                }
                End::Cut(rest) => {
                    let share = (rest.log_mass - total).exp();
                    line.rel_err += share;
                    // Of two tails the heavier one tells.
                    if share > line.tail.share {
                        line.tail.above = best.ell - rest.ell + rest.fall;
                        line.tail.spread = rest.fall;
                    }
                    line.tail.share += share;
                }
                End::Settled | End::Open => {}
            }
        }
        if j + 1 == self.dim() {
            line.gap = scan.gap(support);
        }
        if total == f64::INFINITY && line.diverges.is_none() {
            line.diverges = Some(Diverges::Along(line.peak));
        }
        line
    }

    /// Bisects panels, all lines together, until every line meets its tolerance.
    fn bisect(
        &self,
        j: usize,
        prefix: &Matrix<f64>,
        lines: &mut [Line],
        relaxed: &[f64],
        mut pending: Vec<(u32, f64, f64)>,
    ) -> Result<(), LogZError> {
        let tol = self.tol[j];
        let mut touched = vec![false; lines.len()];
        // Below this an inner line cannot matter.
        let mut floor: Vec<f64> = vec![f64::NEG_INFINITY; lines.len()];
        if j + 1 < self.dim() {
            for ((f, l), relax) in floor.iter_mut().zip(lines.iter()).zip(relaxed) {
                *f = l.log_z - l.reach[j].max(1.0).ln() + relax - self.margin();
            }
        }
        for line in lines.iter_mut() {
            // The tail that could not be followed stays in the error; the crude error goes.
            line.rel_err = (line.rel_err - 1.0).max(0.0);
        }
        let inside = (self.supports[j].lower().next_up(), self.supports[j].upper().next_down());
        let tail: Vec<f64> = lines.iter().map(|l| l.rel_err).collect();
        for generation in 0..200 {
            if pending.is_empty() {
                break;
            }
            let mut at = Wanted::default();
            for (line, lo, hi) in &pending {
                let (c, h) = (0.5 * (lo + hi), 0.5 * (hi - lo));
                at.line.extend(std::iter::repeat_n(*line, N + 2));
                at.x.extend(NODES.iter().chain(&ENDS).map(|t| (c + h * t).clamp(inside.0, inside.1)));
            }
            // Beyond the reach of the density there may be mass all the same, on a line that is as much lower as it is farther.
            let floors: Vec<f64> = at
                .line
                .iter()
                .zip(&at.x)
                .map(|(l, x)| floor[*l as usize] - (x.abs() / lines[*l as usize].reach[j].max(1.0)).max(1.0).ln())
                .collect();
            let (ell, inner) = self.eval(j, prefix, &at, &floors, true)?;
            let mut inner = inner.into_iter();
            touched.fill(false);
            for (p, (line, lo, hi)) in pending.iter().enumerate() {
                let (l, ends) = ell[p * (N + 2)..(p + 1) * (N + 2)].split_at(N);
                let mut kids: Vec<Line> = inner.by_ref().take(N + 2).collect();
                kids.truncate(N);
                let of_kids = &floors[p * (N + 2)..];
                if let Some((d, _)) = kids.iter().zip(of_kids).find(|(k, f)| k.diverges.is_some() && k.log_z > **f) {
                    lines[*line as usize].diverges = d.diverges;
                }
                if let Some(bad) = l.iter().position(|v| v.is_nan() || *v == f64::INFINITY) {
                    let point = self.full_point(j, prefix, *line as usize, at.x[p * (N + 2) + bad], kids.get(bad));
                    return Err(if l[bad].is_nan() {
                        LogZError::Undefined { point }
                    } else {
                        LogZError::Unbounded { point }
                    });
                }
                // Towards the ends of the support the density may do anything.
                let look = |x: f64, l: f64| if x > inside.0 && x < inside.1 { l } else { f64::NAN };
                let ends = [look(*lo, ends[0]), look(*hi, ends[1])];
                let panel = make_panel(*lo, *hi, l, ends, kids, self.collect);
                lines[*line as usize].panels.push(panel);
                touched[*line as usize] = true;
            }
            pending.clear();
            for (i, line) in lines.iter_mut().enumerate() {
                if touched[i] {
                    let limit = if j + 1 == self.dim() { 20_000 } else { 4_000 };
                    let stop = generation == 199 || line.panels.len() > limit;
                    let is_last = j + 1 == self.dim();
                    select(i as u32, line, tol * relaxed[i].exp(), tail[i], stop, is_last, &mut pending);
                }
            }
        }
        for line in lines.iter_mut() {
            if self.collect || j == 0 {
                line.panels.sort_by(|a, b| a.lo.total_cmp(&b.lo));
            } else {
                line.panels = Vec::new();
            }
        }
        Ok(())
    }
}
