//! Rank plots: does every chain have its share of low, middle and high draws? One panel per coordinate, chains as steps.

use std::path::Path;

use super::axis::{Axis, TICK_SIZE, count, short};
use super::colour::{CHAINS, Colour, DRAWS, GREY, INK, MODEL};
use super::error::PlotError;
use super::file::save;
use super::font;
use super::legend::{Key, Legend};
use super::panel::{LABEL_SIZE, Panel, left_margin, subtitle, title};
use super::range::span;
use super::scene::{Anchor, Scene, Shape, Stroke};

const WIDTH: u32 = 1200;
const RIGHT: f64 = 1164.0;
const TOP: f64 = 100.0; // without the legend
const BETWEEN: f64 = 34.0;
const HEADING: f64 = 34.0;
const MOST_PANELS: usize = 9;
/// Most chains that have a colour each.
const FEW: usize = CHAINS.len();
/// Normal quantile of 97.5 %: half the width of the band in standard deviations.
const BAND: f64 = 1.959_963_984_540_054;
/// Steps above are drawn at the top, so that the band and the other chains can be seen.
const HIGHEST: f64 = 6.0;
const BAND_FILL: Colour = GREY.alpha(52);

/// One coordinate.
#[derive(Clone, Debug)]
pub struct RankPanel {
    /// Its name.
    pub name: String,
    /// `counts[chain][bin]` of the ranks, lowest first.
    pub counts: Vec<Vec<f64>>,
    /// Mean count of a chain, per bin.
    pub expected: Vec<f64>,
    /// Standard deviation of a count about it if the chains agree, per bin.
    pub count_sd: Vec<f64>,
    /// The chains, from 0, whose counts are too uneven for that.
    pub apart: Vec<usize>,
}

/// Draws the panels of the first nine coordinates into `path` (`.svg` or `.png`): counts relative to the mean over the chains,
/// and a band that holds 95 % of them if the chains agree. Up to eight chains have a colour each; of more, those that are
/// apart stand out.
///
/// # Errors
/// [`PlotError::Length`] if counts, expected counts and their deviations differ in length, and those of writing.
pub fn ranks(path: &Path, title: &str, n_draws: usize, panels: &[RankPanel]) -> Result<(), PlotError> {
    save(path, || {
        for p in panels {
            let expected = p.expected.len();
            let others = p.counts.iter().map(|c| ("counts", c.len())).chain([("count_sd", p.count_sd.len())]);
            if let Some((what, found)) = others.into_iter().find(|(_, n)| *n != expected) {
                return Err(PlotError::Length { what, expected, found });
            }
        }
        Ok(layout(title, n_draws, panels))
    })
}

fn layout(name: &str, n_draws: usize, panels: &[RankPanel]) -> Scene {
    let shown = &panels[..panels.len().min(MOST_PANELS)];
    let across = match shown.len() {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let down = shown.len().div_ceil(across).max(1);
    let tall = [430.0, 280.0, 210.0][down.min(3) - 1];
    let n_chains = shown.iter().map(|p| p.counts.len()).max().unwrap_or(0);
    let relative = |p: &RankPanel, v: f64, k: usize| if p.expected[k] > 0.0 { v / p.expected[k] } else { f64::NAN };
    let heights = shown.iter().flat_map(|p| {
        let band = p.count_sd.iter().enumerate().map(|(k, sd)| 1.0 + relative(p, BAND * sd, k));
        let counts = p.counts.iter().flat_map(|c| c.iter().enumerate().map(|(k, v)| relative(p, *v, k)));
        band.chain(counts).collect::<Vec<_>>()
    });
    let highest = span(heights).map_or(2.0, |(_, hi)| hi.max(1.2));
    let is_cut = highest > HIGHEST;
    let up = Axis::vertical((0.0, if is_cut { HIGHEST } else { 1.06 * highest }), tall);
    let left = left_margin(&[&up]);
    let gap = BETWEEN + if across > 1 { up.label_width() } else { 0.0 };
    let width = ((RIGHT - left - gap * (across as f64 - 1.0)) / across as f64).floor();
    let flat = Axis::horizontal((0.0, 1.0), width);
    let legend = Legend::new(entries(n_chains, shown.iter().any(|p| !p.apart.is_empty())), RIGHT - left);
    let top = TOP + legend.height();

    let bottom = top + down as f64 * (HEADING + tall) + (down as f64 - 1.0) * 14.0;
    let mut scene = Scene::new(WIDTH, (bottom + 84.0) as u32);
    title(&mut scene, name, left, RIGHT - left);
    let of = if shown.len() < panels.len() { format!("{} of ", shown.len()) } else { String::new() };
    let s = if panels.len() == 1 { "" } else { "s" };
    let words = format!(
        "{of}{} coordinate{s}, {} chains of {} draws; {}",
        count(panels.len()),
        count(n_chains),
        count(n_draws),
        if is_cut {
            format!("steps above {HIGHEST} (up to {}) are drawn at the top", short(highest))
        } else {
            "a chain inside the band has its share of low, middle and high draws".to_owned()
        }
    );
    subtitle(&mut scene, &words, left, RIGHT - left);
    legend.draw(&mut scene, RIGHT, top - 14.0);
    for (i, what) in shown.iter().enumerate() {
        let (row, column) = (i / across, i % across);
        let area =
            [left + column as f64 * (width + gap), top + HEADING + row as f64 * (HEADING + tall + 14.0), width, tall];
        let panel = Panel { area, x: flat.clone(), y: up.clone() };
        draw(&mut scene, &panel, what);
        let lowest = i + across >= shown.len();
        let axis_title = if across == 1 { "Rank among the draws of all chains (0 lowest, 1 highest)" } else { "Rank" };
        let y_title = if column == 0 { "Draws / expected" } else { "" };
        panel.frame(&mut scene, lowest.then_some(axis_title), y_title);
    }
    if panels.is_empty() {
        scene.text([0.5 * f64::from(WIDTH), 300.0], "no draws", LABEL_SIZE, GREY, Anchor::Middle);
    }
    scene
}

fn draw(scene: &mut Scene, panel: &Panel, what: &RankPanel) {
    panel.grid(scene);
    let n_bins = what.expected.len();
    let edge = |k: usize| k as f64 / n_bins as f64;
    let within = |v: f64| v.clamp(panel.y.lo, panel.y.hi);
    for k in (0..n_bins).filter(|k| what.expected[*k] > 0.0 && what.count_sd[*k].is_finite()) {
        let half = BAND * what.count_sd[k] / what.expected[k];
        let ([x, y], [end, bottom]) =
            (panel.at(edge(k), within(1.0 + half)), panel.at(edge(k + 1), within(1.0 - half)));
        scene.push(Shape::Rect { area: [x, y, end - x, bottom - y], fill: Some(BAND_FILL), stroke: None });
    }
    let steps = |c: usize| {
        let height = move |k: usize| {
            let v = what.counts[c][k] / what.expected[k];
            if v > panel.y.hi { panel.y.hi } else { v }
        };
        (0..n_bins).flat_map(move |k| [[edge(k), height(k)], [edge(k + 1), height(k)]]).collect::<Vec<_>>()
    };
    let n_chains = what.counts.len();
    let is_apart = |c: &usize| what.apart.contains(c);
    if n_chains <= FEW {
        // The chains that stand out lie over the others.
        let order = (0..n_chains).filter(|c| !is_apart(c)).chain((0..n_chains).filter(is_apart));
        for c in order {
            let line = Stroke::solid(CHAINS[c].alpha(230), if is_apart(&c) { 2.6 } else { 1.5 });
            panel.line(scene, steps(c), line);
        }
    } else {
        for c in (0..n_chains).filter(|c| !is_apart(c)) {
            // Level steps alone: their risers would hide the band, and no eye follows one chain of so many.
            let level = steps(c).chunks_exact(2).flat_map(|s| [s[0], s[1], [f64::NAN; 2]]).collect::<Vec<_>>();
            panel.line(scene, level, Stroke::solid(MODEL.alpha(90), 1.3));
        }
        let alpha = if what.apart.len() > 12 { 110 } else { 230 };
        for c in what.apart.iter().filter(|c| **c < n_chains) {
            panel.line(scene, steps(*c), Stroke::solid(DRAWS.alpha(alpha), 1.5));
        }
    }
    panel.line(scene, [[0.0, 1.0], [1.0, 1.0]], Stroke::dashed(INK.alpha(150), 1.2, [5.0, 4.0]));
    let [left, top, width, _] = panel.area;
    let heading = font::fit(&heading(what), TICK_SIZE, width);
    scene.text([left, top - 9.0], heading, TICK_SIZE, INK, Anchor::Start);
}

/// "x1: chains 2 and 5 stand out", with as many names as are read at a glance.
fn heading(what: &RankPanel) -> String {
    let names: Vec<String> = what.apart.iter().map(|c| (c + 1).to_string()).collect();
    let told = match (names.as_slice(), what.counts.len()) {
        ([], _) => "no chain stands out".to_owned(),
        ([one], _) => format!("chain {one} stands out"),
        (all, n) if all.len() == n => format!("all {n} chains stand out"),
        (some, n) if some.len() > 4 => format!("{} of {n} chains stand out", some.len()),
        ([first @ .., last], _) => format!("chains {} and {last} stand out", first.join(", ")),
    };
    format!("{}: {told}", what.name)
}

fn entries(n_chains: usize, some_apart: bool) -> Vec<(Key, String)> {
    let line = |colour: Colour, width: f64| Key::Line(Stroke::solid(colour, width));
    let apart = |words: &str| format!("{words} (p < 0.01 over all chains)");
    let mut entries: Vec<(Key, String)> = if n_chains <= FEW {
        let bold = (line(INK, 3.2), apart("bold: stands out"));
        let chains = (0..n_chains).map(|c| (line(CHAINS[c], 2.0), format!("chain {}", c + 1)));
        chains.chain(some_apart.then_some(bold)).collect()
    } else {
        let apart = (line(DRAWS, 2.0), apart("a chain that stands out"));
        let one = (line(MODEL.alpha(140), 1.6), "a chain".to_owned());
        std::iter::once(one).chain(some_apart.then_some(apart)).collect()
    };
    let edge = Stroke::solid(BAND_FILL, 0.5);
    entries.push((Key::Bar(BAND_FILL, edge), "95 % of all steps, if the chains agree".to_owned()));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_names_a_few_chains() {
        let of = |apart: &[usize], n: usize| {
            let counts = vec![vec![1.0]; n];
            let (name, apart) = ("x".to_owned(), apart.to_vec());
            heading(&RankPanel { name, counts, expected: vec![1.0], count_sd: vec![1.0], apart })
        };
        assert_eq!(of(&[], 4), "x: no chain stands out");
        assert_eq!(of(&[3], 4), "x: chain 4 stands out");
        assert_eq!(of(&[0, 2, 3], 5), "x: chains 1, 3 and 4 stand out");
        assert_eq!(of(&[0, 1], 2), "x: all 2 chains stand out");
        assert_eq!(of(&[0, 1, 2, 3, 4], 64), "x: 5 of 64 chains stand out");
    }
}
