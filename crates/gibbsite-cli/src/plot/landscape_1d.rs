//! One dimension: the energy above, the density below, with histograms of data and of draws.

use std::path::Path;

use super::axis::{Axis, count};
use super::colour::{DATA, DRAWS, MODEL};
use super::error::PlotError;
use super::file::save;
use super::histogram::Histogram;
use super::legend::{Key, Legend};
use super::panel::{BELOW, Panel, left_margin, right_margin, subtitle, title};
use super::range::{cut, drawable, opened, padded, shown, span};
use super::scene::{Scene, Shape, Stroke};

const WIDTH: u32 = 1200;
const TOP: f64 = 76.0;
const TALL: f64 = 332.0; // the panel of E above that of p
const ALONE: f64 = 440.0; // and alone
const LOWER: f64 = 284.0; // the panel of p
const GAP: f64 = 32.0; // between them, without the legend
const LEGEND: f64 = 18.0; // from the last base line of the legend to the frame
const UNDER: f64 = BELOW + 30.0; // room for labels under the last frame

/// What is known along one coordinate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Landscape<'a> {
    /// The title.
    pub title: &'a str,
    /// The name of the coordinate.
    pub axis: &'a str,
    /// The grid, increasing.
    pub x: &'a [f64],
    /// E(x); not finite outside the support.
    pub energy: &'a [f64],
    /// Whether exp(-E) is a density: then the wells are shown, else all of E.
    pub is_model: bool,
    /// p(x), where Z is known.
    pub density: Option<&'a [f64]>,
    /// Data, or none.
    pub data: &'a [f64],
    /// Draws, or none.
    pub draws: &'a [f64],
}

/// Draws E(x) above p(x) into `path` (`.svg` or `.png`).
///
/// Values that are not finite (outside the support) leave a gap. The energy axis of a model ends a little above the highest
/// barrier; that of an energy without density shows all but poles, and a remark says what is cut. `data` become bars and
/// `draws` a step line, both as densities; without them and without a density there is no lower panel.
///
/// # Errors
/// [`PlotError::Length`] if the columns differ in length, [`PlotError::NotIncreasing`] if `x` does not rise, and those of
/// writing.
pub fn landscape_1d(path: &Path, what: &Landscape) -> Result<(), PlotError> {
    save(path, || {
        let expected = what.x.len();
        for (name, found) in [("energy", what.energy.len()), ("density", what.density.map_or(expected, <[f64]>::len))] {
            if found != expected {
                return Err(PlotError::Length { what: name, expected, found });
            }
        }
        increasing(what.axis, what.x)?;
        Ok(layout(what))
    })
}

/// Refuses coordinates that are not finite (or beyond 1e100) or do not rise.
pub fn increasing(axis: &str, x: &[f64]) -> Result<(), PlotError> {
    let fault = (0..x.len()).find(|&i| !drawable(x[i]) || (i > 0 && x[i] <= x[i - 1]));
    fault.map_or(Ok(()), |index| Err(PlotError::NotIncreasing { axis: axis.to_owned(), index }))
}

fn layout(what: &Landscape) -> Scene {
    let across = opened(span(what.x.iter().copied()).unwrap_or((0.0, 1.0)));
    let shown = shown(what.energy, what.energy.len(), what.is_model);
    let data = Histogram::new(what.data, across);
    let draws = Histogram::new(what.draws, across);
    let has_lower = what.density.is_some() || !what.data.is_empty() || !what.draws.is_empty();

    let tall = if has_lower { TALL } else { ALONE };
    let up = Axis::vertical(padded(shown.unwrap_or((0.0, 1.0)), 0.06, 0.04), tall);
    let low = lower_axis(what, [&data, &draws]);
    let left = left_margin(&if has_lower { vec![&up, &low] } else { vec![&up] });
    let right = f64::from(WIDTH) - right_margin(across);
    let width = right - left;
    let along = Axis::horizontal(across, width);
    // "E(x)" for a letter; a column name would make it a formula of words.
    let of = if what.axis.chars().count() <= 3 { format!("({})", what.axis) } else { String::new() };
    let legend = Legend::new(if has_lower { entries(what, &of, across) } else { Vec::new() }, width);
    let under = TOP + tall + GAP + legend.height();
    let height = if has_lower { under + LOWER } else { TOP + tall } + UNDER;

    let mut scene = Scene::new(WIDTH, height as u32);
    title(&mut scene, what.title, left, width);
    if let Some(words) = shown.filter(|_| !what.is_model).and_then(|range| cut(what.energy, range)) {
        subtitle(&mut scene, &words, left, width);
    }
    let upper = Panel { area: [left, TOP, width, tall], x: along.clone(), y: up };
    upper.grid(&mut scene);
    upper.line(&mut scene, apart_at_poles(points(what.x, what.energy), (upper.y.lo, upper.y.hi)), CURVE);
    if shown.is_none() {
        upper.remark(&mut scene, "no finite energy on this grid");
    }
    upper.frame(&mut scene, (!has_lower).then_some(what.axis), &format!("Energy E{of}"));
    if has_lower {
        let lower = Panel { area: [left, under, width, LOWER], x: along, y: low };
        densities(&mut scene, &lower, what, [&data, &draws]);
        lower.frame(&mut scene, Some(what.axis), &format!("Density p{of}"));
        legend.draw(&mut scene, right, under - LEGEND);
    }
    scene
}

const CURVE: Stroke = Stroke::solid(MODEL, 2.8);
const BAR: (super::colour::Colour, Stroke) = (DATA.alpha(110), Stroke::solid(DATA, 1.2));
const STEP: Stroke = Stroke::solid(DRAWS, 2.2);

fn lower_axis(what: &Landscape, bars: [&Option<Histogram>; 2]) -> Axis {
    let peak = span(what.density.unwrap_or(&[]).iter().copied()).map_or(0.0, |(_, hi)| hi);
    let peak = bars.into_iter().flatten().map(Histogram::top).fold(peak, f64::max);
    Axis::vertical((0.0, if peak > 0.0 { 1.08 * peak } else { 1.0 }), LOWER)
}

fn entries(what: &Landscape, of: &str, across: (f64, f64)) -> Vec<(Key, String)> {
    let mut entries = Vec::new();
    if what.density.is_some() {
        entries.push((Key::Line(CURVE), format!("model p{of}")));
    }
    if !what.data.is_empty() {
        entries.push((Key::Bar(BAR.0, BAR.1), format!("data ({})", number(what.data, across))));
    }
    if !what.draws.is_empty() {
        entries.push((Key::Line(STEP), format!("draws ({})", number(what.draws, across))));
    }
    entries
}

/// The lower panel, back to front: data, draws, model.
fn densities(scene: &mut Scene, panel: &Panel, what: &Landscape, [data, draws]: [&Option<Histogram>; 2]) {
    panel.grid(scene);
    if let Some(bars) = data {
        bars.bars(scene, panel, BAR.0, BAR.1);
    }
    let density = what.density.unwrap_or(&[]);
    if what.data.is_empty() && what.draws.is_empty() {
        shade(scene, panel, what.x, density);
    }
    if let Some(bars) = draws {
        bars.steps(scene, panel, STEP);
    }
    panel.line(scene, points(what.x, density), CURVE);
}

/// "n = 272", and how many of them lie outside the picture.
fn number(values: &[f64], (lo, hi): (f64, f64)) -> String {
    let outside = values.iter().filter(|v| !(lo..=hi).contains(*v)).count();
    let rest = if outside > 0 { format!(", {} outside the window", count(outside)) } else { String::new() };
    format!("n = {}{rest}", count(values.len()))
}

/// The curve, with a gap wherever a value cannot be drawn.
fn points<'a>(x: &'a [f64], y: &'a [f64]) -> impl Iterator<Item = [f64; 2]> + 'a {
    x.iter().zip(y).map(|(&x, &y)| if drawable(y) { [x, y] } else { [x, f64::NAN] })
}

/// A gap wherever the curve jumps from beyond one end of the range to beyond the other: no line crosses a pole.
fn apart_at_poles(points: impl Iterator<Item = [f64; 2]>, (lo, hi): (f64, f64)) -> Vec<[f64; 2]> {
    let mut out: Vec<[f64; 2]> = Vec::new();
    for p in points {
        if let Some(last) = out.last().filter(|l| l[1].min(p[1]) < lo && l[1].max(p[1]) > hi) {
            out.push([0.5 * (last[0] + p[0]), f64::NAN]);
        }
        out.push(p);
    }
    out
}

/// A light area under each unbroken stretch of the density.
fn shade(scene: &mut Scene, panel: &Panel, x: &[f64], density: &[f64]) {
    let all: Vec<[f64; 2]> = points(x, density).collect();
    for run in all.split(|p| p[1].is_nan()).filter(|run| run.len() > 1) {
        let (first, last) = (run[0][0], run[run.len() - 1][0]);
        let floor = |x| std::iter::once(panel.at(x, 0.0));
        let top = run.iter().map(|p| panel.at(p[0], p[1].max(0.0)));
        let corners = floor(first).chain(top).chain(floor(last)).collect();
        scene.push(Shape::Polygon { corners, fill: MODEL.alpha(38) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_crosses_a_pole() {
        let curve = [[0.0, 1.0], [1.0, 9.0], [2.0, -9.0], [3.0, 0.0], [4.0, 9.0]];
        let apart = apart_at_poles(curve.into_iter(), (-5.0, 5.0));
        assert_eq!(apart.len(), 6);
        assert!(apart[2][1].is_nan() && apart[3] == [2.0, -9.0]);
    }
}
