//! Chains over time: one row per coordinate, the walk on the left and its histogram on the right.

use std::path::Path;

use super::axis::{Axis, count};
use super::colour::{CHAINS, DRAWS, GREY, INK};
use super::error::PlotError;
use super::file::save;
use super::histogram::Histogram;
use super::panel::{LABEL_SIZE, Panel, left_margin, title};
use super::range::{padded, span};
use super::scene::{Anchor, Scene, Shape, Stroke};

const WIDTH: u32 = 1200;
const RIGHT: f64 = 1164.0;
const SIDE: f64 = 170.0; // width of the histograms
const TOP: f64 = 92.0;
const GAP: f64 = 16.0;
const MOST_ROWS: usize = 6;
const MOST_CHAINS: usize = 6;

/// Draws `chains[d][c][t]` (coordinate, chain, draw) into `path` (`.svg` or `.png`): the first six chains of the first six
/// coordinates, thinned to the width of the picture by keeping least and largest value of each pixel column; the histogram
/// beside each row counts every chain. What is left out is said under the title.
///
/// # Errors
/// [`PlotError::Length`] if there is not one name per coordinate, and those of writing.
pub fn traces(path: &Path, title: &str, names: &[String], chains: &[Vec<Vec<f64>>]) -> Result<(), PlotError> {
    save(path, || {
        if names.len() != chains.len() {
            return Err(PlotError::Length { what: "names", expected: chains.len(), found: names.len() });
        }
        Ok(layout(title, names, chains))
    })
}

fn layout(name: &str, names: &[String], chains: &[Vec<Vec<f64>>]) -> Scene {
    let rows = chains.len().clamp(1, MOST_ROWS);
    let tall = if rows == 1 { 420.0 } else { (660.0 / rows as f64).max(150.0).round() };
    let n_draws = chains.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let n_chains = chains.iter().map(Vec::len).max().unwrap_or(0);
    let ranges: Vec<_> =
        chains.iter().take(rows).map(|row| span(row.iter().flatten().copied()).unwrap_or((0.0, 1.0))).collect();
    let axes: Vec<_> = ranges.iter().map(|&r| Axis::vertical(padded(r, 0.05, 0.05), tall)).collect();
    let left = left_margin(&axes.iter().collect::<Vec<_>>());
    let width = RIGHT - SIDE - GAP - left;
    let time = Axis::horizontal((0.0, n_draws.saturating_sub(1).max(1) as f64), width);

    let mut scene = Scene::new(WIDTH, (TOP + rows as f64 * (tall + GAP) + 76.0) as u32);
    title(&mut scene, name, left, RIGHT - left);
    let shown = |what: &str, most: usize, n: usize| match n {
        1 => format!("1 {what}"),
        n if n > most => format!("{most} of {} {what}s", count(n)),
        n => format!("{} {what}s", count(n)),
    };
    let words = format!(
        "{}, {}, {} draws each",
        shown("coordinate", MOST_ROWS, chains.len()),
        shown("chain", MOST_CHAINS, n_chains),
        count(n_draws)
    );
    scene.text([left, 72.0], words, 16.0, GREY, Anchor::Start);
    for (row, (axis, all)) in axes.into_iter().zip(chains).enumerate() {
        let area = [left, TOP + row as f64 * (tall + GAP), width, tall];
        let panel = Panel { area, x: time.clone(), y: axis };
        panel.grid(&mut scene);
        for (c, chain) in all.iter().take(MOST_CHAINS).enumerate() {
            let colour = CHAINS[c % CHAINS.len()].alpha(200);
            panel.line(&mut scene, thinned(chain, width as usize), Stroke::solid(colour, 1.1));
        }
        let label = (row + 1 == rows).then_some("Draw");
        panel.frame(&mut scene, label, &names[row]);
        sideways(&mut scene, &panel, &all.concat());
    }
    if chains.is_empty() {
        scene.text([0.5 * f64::from(WIDTH), 300.0], "no draws", LABEL_SIZE, GREY, Anchor::Middle);
    }
    scene
}

/// The chain as (draw, value), or per bucket its least and largest value in order of time if it is longer than that.
fn thinned(chain: &[f64], columns: usize) -> Vec<[f64; 2]> {
    let size = chain.len().div_ceil(columns.max(1)).max(1);
    let mut out = Vec::with_capacity(2 * columns);
    for (b, bucket) in chain.chunks(size).enumerate() {
        let at = |i: usize| [(b * size + i) as f64, bucket[i]];
        if size <= 2 || bucket.iter().any(|v| !super::range::drawable(*v)) {
            out.extend(
                (0..bucket.len()).map(at).map(|[t, v]| [t, if super::range::drawable(v) { v } else { f64::NAN }]),
            );
            continue;
        }
        let order = |&a: &usize, &b: &usize| bucket[a].total_cmp(&bucket[b]);
        let (low, high) = ((0..bucket.len()).min_by(order).unwrap_or(0), (0..bucket.len()).max_by(order).unwrap_or(0));
        out.extend([at(low.min(high)), at(low.max(high))]);
    }
    out
}

/// The histogram of a row, turned to lie along its vertical axis.
fn sideways(scene: &mut Scene, panel: &Panel, values: &[f64]) {
    let [left, top, width, height] = panel.area;
    let x = left + width + GAP;
    let range = (panel.y.lo, panel.y.hi);
    if let Some(bars) = Histogram::new(values, range) {
        for (i, h) in bars.heights.iter().enumerate().filter(|(_, h)| **h > 0.0) {
            let [_, low] = panel.at(0.0, bars.lo + i as f64 * bars.width);
            let [_, high] = panel.at(0.0, bars.lo + (i + 1) as f64 * bars.width);
            let area = [x, high, (SIDE - 8.0) * h / bars.top(), low - high];
            scene.push(Shape::Rect { area, fill: Some(DRAWS.alpha(70)), stroke: Some(Stroke::solid(DRAWS, 1.0)) });
        }
    }
    scene.push(Shape::Rect { area: [x, top, SIDE, height], fill: None, stroke: Some(Stroke::solid(INK, 1.2)) });
}
