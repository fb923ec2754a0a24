//! Chains over time: one row per coordinate, the walk on the left and its histogram on the right.

use std::path::Path;

use super::axis::{Axis, count};
use super::colour::{CHAINS, Colour, DRAWS, GREY, INK};
use super::crowd;
use super::error::PlotError;
use super::file::save;
use super::histogram::Histogram;
use super::legend::{Key, Legend};
use super::panel::{LABEL_SIZE, Panel, left_margin, subtitle, title};
use super::range::{padded, span};
use super::scene::{Anchor, Scene, Shape, Stroke};

const WIDTH: u32 = 1200;
const RIGHT: f64 = 1164.0;
const SIDE: f64 = 170.0; // width of the histograms
const TOP: f64 = 100.0; // without the legend
const GAP: f64 = 16.0;
const MOST_ROWS: usize = 6;
/// Most chains that are drawn as lines, all of them.
const FEW: usize = CHAINS.len();

/// Draws `chains[d][c][t]` (coordinate, chain, draw) of the first six coordinates into `path` (`.svg` or `.png`). Up to eight
/// chains are lines, thinned to the width of the picture by keeping least and largest value of each pixel column; of more a
/// map shows where all chains are at each time, and three lines are the chains of least, middle and largest mean. The
/// histogram beside each row counts every draw. What is left out is said under the title.
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
    let legend = Legend::new(entries(n_chains), RIGHT - left);
    let top = TOP + legend.height();

    let mut scene = Scene::new(WIDTH, (top + rows as f64 * (tall + GAP) + 76.0) as u32);
    title(&mut scene, name, left, RIGHT - left);
    let coordinates = match chains.len() {
        1 => "1 coordinate".to_owned(),
        n if n > MOST_ROWS => format!("{MOST_ROWS} of {} coordinates", count(n)),
        n => format!("{} coordinates", count(n)),
    };
    let number = |n: usize, what: &str| format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" });
    let words = format!("{coordinates}, {} of {}", number(n_chains, "chain"), number(n_draws, "draw"));
    subtitle(&mut scene, &words, left, RIGHT - left);
    legend.draw(&mut scene, RIGHT, top - 18.0);
    for (row, (axis, all)) in axes.into_iter().zip(chains).enumerate() {
        let area = [left, top + row as f64 * (tall + GAP), width, tall];
        let panel = Panel { area, x: time.clone(), y: axis };
        panel.grid(&mut scene);
        let lines: Vec<(usize, Stroke)> = if n_chains <= FEW {
            (0..all.len()).map(|c| (c, Stroke::solid(CHAINS[c % CHAINS.len()].alpha(200), 1.1))).collect()
        } else {
            crowd::map(&mut scene, &panel, all);
            crowd::three(all).into_iter().zip(crowd::THREE.map(|c| Stroke::solid(c.alpha(170), 0.9))).collect()
        };
        for (c, stroke) in lines {
            panel.line(&mut scene, thinned(&all[c], width as usize), stroke);
            // A walk of one step is a point.
            if let [only] = all[c][..]
                && super::range::drawable(only)
            {
                let centres = vec![panel.at(0.0, only)];
                scene.push(Shape::Dots { centres, radius: 4.0, fill: stroke.colour, stroke: None });
            }
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

/// What the lines are.
fn entries(n_chains: usize) -> Vec<(Key, String)> {
    let line = |colour: Colour| Key::Line(Stroke::solid(colour, 2.4));
    match n_chains {
        0 | 1 => Vec::new(),
        2..=FEW => (0..n_chains).map(|c| (line(CHAINS[c]), format!("chain {}", c + 1))).collect(),
        _ => {
            let fill = crowd::DENSEST.alpha(120);
            let all = (Key::Bar(fill, Stroke::solid(fill, 0.5)), "all chains (darker: more draws)".to_owned());
            let means = ["chain of least mean", "of middle mean", "of largest mean"];
            let three = crowd::THREE.into_iter().zip(means);
            std::iter::once(all).chain(three.map(|(colour, words)| (line(colour), words.to_owned()))).collect()
        }
    }
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
            // Outlines of many thin bars would run together.
            let stroke = (area[3] >= 4.0).then(|| Stroke::solid(DRAWS, 1.0));
            let fill = Some(DRAWS.alpha(if stroke.is_some() { 70 } else { 130 }));
            scene.push(Shape::Rect { area, fill, stroke });
        }
    }
    scene.push(Shape::Rect { area: [x, top, SIDE, height], fill: None, stroke: Some(Stroke::solid(INK, 1.2)) });
}
