//! Energies of data against energies of draws: where a model is right, the two histograms agree.

use std::path::Path;

use super::axis::{Axis, count};
use super::colour::{DATA, MODEL};
use super::error::PlotError;
use super::file::save;
use super::histogram::Histogram;
use super::legend::{Key, Legend};
use super::panel::{Panel, left_margin, title};
use super::range::{drawable_only, padded, span};
use super::scene::{Scene, Stroke};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 700;
const RIGHT: f64 = 1164.0;
const TOP: f64 = 112.0;
const TALL: f64 = 500.0;

/// Draws the energies of data (bars) and of draws (step line) as densities, with their means dashed, under the title `name`
/// into `path` (`.svg` or `.png`). Energies that are not finite are left out, and the legend says how many.
///
/// # Errors
/// Those of writing.
pub fn energy_histograms(path: &Path, name: &str, data: &[f64], draws: &[f64]) -> Result<(), PlotError> {
    save(path, || Ok(layout(name, data, draws)))
}

fn layout(name: &str, data: &[f64], draws: &[f64]) -> Scene {
    let range = span(data.iter().chain(draws).copied());
    let across = padded(range.unwrap_or((0.0, 1.0)), 0.04, 0.04);
    let bars = [data, draws].map(|values| Histogram::new(values, across));
    let peak = bars.iter().flatten().map(Histogram::top).fold(0.0, f64::max);
    let up = Axis::vertical((0.0, if peak > 0.0 { 1.08 * peak } else { 1.0 }), TALL);
    let left = left_margin(&[&up]);
    let width = RIGHT - left;
    let panel = Panel { area: [left, TOP, width, TALL], x: Axis::horizontal(across, width), y: up };

    let mut scene = Scene::new(WIDTH, HEIGHT);
    title(&mut scene, name, left, width);
    panel.grid(&mut scene);
    let (fill, outline, step) = (DATA.alpha(110), Stroke::solid(DATA, 1.2), Stroke::solid(MODEL, 2.6));
    let mut entries = Vec::new();
    if let Some(bars) = &bars[0] {
        bars.bars(&mut scene, &panel, fill, outline);
        entries.push((Key::Bar(fill, outline), summary("data", data)));
    }
    if let Some(bars) = &bars[1] {
        bars.steps(&mut scene, &panel, step);
        entries.push((Key::Line(step), summary("draws", draws)));
    }
    for (values, colour) in [(data, super::colour::DATA_DARK), (draws, MODEL)] {
        let line = mean(values).map(|m| [[m, 0.0], [m, panel.y.hi]]);
        panel.line(&mut scene, line.into_iter().flatten(), Stroke::dashed(colour, 2.0, [8.0, 5.0]));
    }
    if range.is_none() {
        panel.remark(&mut scene, "no finite energies");
    }
    panel.frame(&mut scene, Some("Energy E (dashed: means)"), "Density");
    Legend::new(entries, width).draw(&mut scene, RIGHT, TOP - 18.0);
    scene
}

/// "data: mean −3.21, n = 272, 4 not finite".
fn summary(name: &str, values: &[f64]) -> String {
    let drawn = drawable_only(values).len();
    let lost =
        if drawn < values.len() { format!(", {} not finite", count(values.len() - drawn)) } else { String::new() };
    let mean = mean(values).unwrap_or(f64::NAN);
    let mean = if mean.abs() < 1e5 { format!("{mean:.3}") } else { format!("{mean:.3e}") };
    format!("{name}: mean {}, n = {}{lost}", mean.replace('-', "−"), count(drawn))
}

fn mean(values: &[f64]) -> Option<f64> {
    let values = drawable_only(values);
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
