//! One dimension: the energy above, the density below, with histograms of data and of draws.

use std::path::Path;

use super::axis::{Axis, count};
use super::colour::{DATA, DRAWS, MODEL};
use super::error::PlotError;
use super::file::save;
use super::histogram::{Histogram, n_bins};
use super::legend::{self, Key};
use super::panel::{BELOW, Panel, left_margin, title};
use super::range::{drawable, energies, opened, padded, span};
use super::scene::{Scene, Shape, Stroke};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 840;
const RIGHT: f64 = 1164.0;
const UPPER: [f64; 2] = [76.0, 332.0]; // top and height of the panel of E
const LOWER: [f64; 2] = [466.0, 284.0]; // and of p

/// Draws E(x) above p(x) over the grid `x` into `path` (`.svg` or `.png`).
///
/// `energy` and `density` belong to `x`; values that are not finite (outside the support) leave a gap. The energy axis ends
/// a little above the highest barrier. `data` become bars and `draws` a step line, both as densities.
///
/// # Errors
/// [`PlotError::Length`] if the columns differ in length, [`PlotError::NotIncreasing`] if `x` does not rise, and those of
/// writing.
pub fn landscape_1d(
    path: &Path,
    title: &str,
    axis: &str,
    x: &[f64],
    energy: &[f64],
    density: &[f64],
    data: Option<&[f64]>,
    draws: Option<&[f64]>,
) -> Result<(), PlotError> {
    save(path, || {
        for (what, found) in [("energy", energy.len()), ("density", density.len())] {
            if found != x.len() {
                return Err(PlotError::Length { what, expected: x.len(), found });
            }
        }
        increasing(axis, x)?;
        Ok(layout(title, axis, x, energy, density, data.unwrap_or(&[]), draws.unwrap_or(&[])))
    })
}

/// Refuses coordinates that are not finite (or beyond 1e100) or do not rise.
pub fn increasing(axis: &str, x: &[f64]) -> Result<(), PlotError> {
    let fault = (0..x.len()).find(|&i| !drawable(x[i]) || (i > 0 && x[i] <= x[i - 1]));
    fault.map_or(Ok(()), |index| Err(PlotError::NotIncreasing { axis: axis.to_owned(), index }))
}

fn layout(name: &str, axis: &str, x: &[f64], energy: &[f64], density: &[f64], data: &[f64], draws: &[f64]) -> Scene {
    let across = opened(span(x.iter().copied()).unwrap_or((0.0, 1.0)));
    let data_bars = Histogram::new(data, across, n_bins(data, across));
    let draw_bars = Histogram::new(draws, across, n_bins(draws, across));
    let peak = span(density.iter().copied()).map_or(0.0, |(_, hi)| hi);
    let peak = [&data_bars, &draw_bars].into_iter().flatten().map(Histogram::top).fold(peak, f64::max);
    let shown = energies(energy, energy.len());

    let up = Axis::vertical(padded(shown.unwrap_or((0.0, 1.0)), 0.06, 0.04), UPPER[1]);
    let low = Axis::vertical((0.0, if peak > 0.0 { 1.08 * peak } else { 1.0 }), LOWER[1]);
    let left = left_margin(&[&up, &low]);
    let width = RIGHT - left;
    let along = Axis::horizontal(across, width);
    let upper = Panel { area: [left, UPPER[0], width, UPPER[1]], x: along.clone(), y: up };
    let lower = Panel { area: [left, LOWER[0], width, LOWER[1]], x: along, y: low };
    debug_assert!(LOWER[0] + LOWER[1] + BELOW < f64::from(HEIGHT));

    let mut scene = Scene::new(WIDTH, HEIGHT);
    title(&mut scene, name, left, width);
    let of = if axis.chars().count() <= 12 { format!("({axis})") } else { String::new() };
    let curve = Stroke::solid(MODEL, 2.8);

    upper.grid(&mut scene);
    upper.line(&mut scene, points(x, energy), curve);
    if shown.is_none() {
        upper.remark(&mut scene, "no finite energy on this grid");
    }
    upper.frame(&mut scene, None, &format!("Energy E{of}"));

    let (fill, outline) = (DATA.alpha(110), Stroke::solid(DATA, 1.2));
    let step = Stroke::solid(DRAWS, 2.2);
    let mut entries = vec![(Key::Line(curve), format!("model p{of}"))];
    lower.grid(&mut scene);
    if let Some(bars) = &data_bars {
        bars.bars(&mut scene, &lower, fill, outline);
        entries.push((Key::Bar(fill, outline), format!("data ({})", number(data, across))));
    }
    if data_bars.is_none() && draw_bars.is_none() {
        shade(&mut scene, &lower, x, density);
    }
    if let Some(bars) = &draw_bars {
        bars.steps(&mut scene, &lower, step);
        entries.push((Key::Line(step), format!("draws ({})", number(draws, across))));
    }
    lower.line(&mut scene, points(x, density), curve);
    lower.frame(&mut scene, Some(axis), &format!("Density p{of}"));
    legend::row(&mut scene, RIGHT, LOWER[0] - 18.0, &entries);
    scene
}

/// "n = 272", and how many of them lie outside the picture.
fn number(values: &[f64], (lo, hi): (f64, f64)) -> String {
    let outside = values.iter().filter(|v| !(lo..=hi).contains(*v)).count();
    let rest = if outside > 0 { format!(", {} outside", count(outside)) } else { String::new() };
    format!("n = {}{rest}", count(values.len()))
}

/// The curve, with a gap wherever a value cannot be drawn.
fn points<'a>(x: &'a [f64], y: &'a [f64]) -> impl Iterator<Item = [f64; 2]> + 'a {
    x.iter().zip(y).map(|(&x, &y)| if drawable(y) { [x, y] } else { [x, f64::NAN] })
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
