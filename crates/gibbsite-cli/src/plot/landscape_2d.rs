//! Two dimensions: the energy as a map with lines of equal energy, data as dots, chains walking over it.

use std::path::Path;

use super::axis::{Axis, TICK_SIZE, count};
use super::colour::{Colour, INK, WALKS, WHITE, energy_map};
use super::contour;
use super::error::PlotError;
use super::file::save;
use super::landscape_1d::increasing;
use super::legend::{self, Key};
use super::panel::{LABEL_SIZE, Panel, left_margin, title};
use super::range::{drawable, energies, opened, span};
use super::scene::{Anchor, Scene, Shape, Stroke};

const LARGEST: [f64; 2] = [920.0, 680.0]; // of the frame
const BAR: [f64; 2] = [26.0, 24.0]; // distance of the colour bar from the frame, and its width
const BELOW: f64 = 84.0;

/// Points of each walk that are drawn, from its start.
const MOST_STEPS: usize = 2000;
/// Dots that are drawn; of more data, evenly spaced rows.
const MOST_DOTS: usize = 4000;

/// Energies on a rectangular grid.
#[derive(Clone, Debug, Default)]
pub struct Grid2 {
    /// Horizontal coordinates, increasing.
    pub x: Vec<f64>,
    /// Vertical coordinates, increasing.
    pub y: Vec<f64>,
    /// E(x\[i\], y\[j\]) at `energy[j * x.len() + i]`: x runs fastest. Not finite means outside the support.
    pub energy: Vec<f64>,
}

/// Draws the energy over `grid` with `walks` and `data` on top into `path` (`.svg` or `.png`).
///
/// Colours end a little above the highest barrier; places outside the support stay white. A walk is a line from a ring to a
/// full dot, cut to its first 2000 steps; of the data at most 4000 points are drawn, evenly spaced in their order. Where the
/// two axes have similar ranges they have the same scale, so a ring is round.
///
/// # Errors
/// [`PlotError::Length`] if the energies do not fill the grid, [`PlotError::NotIncreasing`] if an axis does not rise, and
/// those of writing.
pub fn landscape_2d(
    path: &Path,
    title: &str,
    axes: [&str; 2],
    grid: &Grid2,
    walks: &[Vec<[f64; 2]>],
    data: Option<&[[f64; 2]]>,
) -> Result<(), PlotError> {
    save(path, || {
        let expected = grid.x.len() * grid.y.len();
        if grid.energy.len() != expected {
            return Err(PlotError::Length { what: "energy", expected, found: grid.energy.len() });
        }
        increasing(axes[0], &grid.x)?;
        increasing(axes[1], &grid.y)?;
        Ok(layout(title, axes, grid, walks, data.unwrap_or(&[])))
    })
}

fn layout(name: &str, axes: [&str; 2], grid: &Grid2, walks: &[Vec<[f64; 2]>], data: &[[f64; 2]]) -> Scene {
    let across = opened(span(grid.x.iter().copied()).unwrap_or((0.0, 1.0)));
    let along = opened(span(grid.y.iter().copied()).unwrap_or((0.0, 1.0)));
    let [width, height] = frame_size(across, along);
    let up = Axis::vertical(along, height);
    let left = left_margin(&[&up]);
    let top = if walks.is_empty() && data.is_empty() { 76.0 } else { 108.0 };
    let panel = Panel { area: [left, top, width, height], x: Axis::horizontal(across, width), y: up };
    let range = energies(&grid.energy, grid.x.len());
    let bar = Axis::vertical(range.unwrap_or((0.0, 1.0)), height - 40.0);
    let beside = (BAR[0] + BAR[1] + bar.label_width() + 62.0).ceil();
    let mut scene = Scene::new((left + width + beside) as u32, (top + height + BELOW) as u32);
    title(&mut scene, name, left, width + beside - 30.0);

    match range {
        Some((_, hi)) if grid.x.len() > 1 && grid.y.len() > 1 => {
            let max = span(grid.energy.iter().copied()).map_or(hi, |(_, max)| max);
            map(&mut scene, &panel, grid, &bar);
            iso_lines(&mut scene, &panel, grid, &bar);
            colour_bar(&mut scene, &panel, &bar, max > bar.hi);
        }
        Some(_) => panel.remark(&mut scene, "a map needs at least two points along each axis"),
        None => panel.remark(&mut scene, "no finite energy on this grid"),
    }

    let mut entries = Vec::new();
    let stride = data.len().div_ceil(MOST_DOTS).max(1);
    let centres = panel.visible(data.iter().step_by(stride).copied());
    let (fill, edge) = (WHITE.alpha(215), Stroke::solid(INK, 0.9));
    if !data.is_empty() {
        scene.push(Shape::Dots { centres, radius: 2.6, fill, stroke: Some(edge) });
        entries.push((Key::Dot(3.2, fill, edge), format!("data (n = {})", count(data.len()))));
    }
    walk_over(&mut scene, &panel, walks);
    if !walks.is_empty() {
        let longest = walks.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1).min(MOST_STEPS);
        let (plural, each) = if walks.len() == 1 { ("", "") } else { ("s", " each") };
        let words = format!("{} chain{plural}, {} steps{each}", count(walks.len()), count(longest));
        entries.push((Key::Line(Stroke::solid(WALKS[0], 3.0)), words));
        entries.push((Key::Dot(5.5, WHITE, Stroke::solid(WALKS[0], 3.0)), "start".to_owned()));
        entries.push((Key::Dot(5.5, WALKS[0], Stroke::solid(WALKS[0], 1.5)), "end".to_owned()));
    }
    panel.frame(&mut scene, Some(axes[0]), axes[1]);
    legend::row(&mut scene, left + width, top - 18.0, &entries);
    scene
}

/// Width and height of the frame: one scale for both axes if that is not too slender.
fn frame_size(across: (f64, f64), along: (f64, f64)) -> [f64; 2] {
    let ratio = (across.1 - across.0) / (along.1 - along.0);
    let [w, h] = LARGEST;
    if !(0.75..=2.2).contains(&ratio) {
        LARGEST
    } else if ratio * h <= w {
        [(ratio * h).round(), h]
    } else {
        [w, (w / ratio).round()]
    }
}

/// Fills the frame with colours, pixel by pixel, bilinear between grid points.
fn map(scene: &mut Scene, panel: &Panel, grid: &Grid2, bar: &Axis) {
    let [left, top, width, height] = panel.area;
    let (w, h) = (width as u32, height as u32);
    let columns: Vec<_> = (0..w).map(|p| cell(&grid.x, (f64::from(p) + 0.5) / width)).collect();
    let rows: Vec<_> = (0..h).map(|p| cell(&grid.y, 1.0 - (f64::from(p) + 0.5) / height)).collect();
    let mut rgba = Vec::with_capacity(4 * (w * h) as usize);
    for &(j, v) in &rows {
        for &(i, u) in &columns {
            let k = j * grid.x.len() + i;
            let n = k + grid.x.len();
            let [a, b, c, d] = [grid.energy[k], grid.energy[k + 1], grid.energy[n], grid.energy[n + 1]];
            let e = (1.0 - v) * ((1.0 - u) * a + u * b) + v * ((1.0 - u) * c + u * d);
            let Colour(r, g, b, _) = energy_map(bar.fraction(e));
            rgba.extend(if drawable(e) { [r, g, b, 255] } else { [0; 4] });
        }
    }
    scene.push(Shape::Image { at: [left as u32, top as u32], width: w, height: h, rgba });
}

/// The cell that holds the fraction `t` of the axis, and the position inside it.
fn cell(grid: &[f64], t: f64) -> (usize, f64) {
    let (lo, hi) = (grid[0], grid[grid.len() - 1]);
    let at = lo + t * (hi - lo);
    let i = grid.partition_point(|&g| g <= at).clamp(1, grid.len() - 1) - 1;
    (i, ((at - grid[i]) / (grid[i + 1] - grid[i])).clamp(0.0, 1.0))
}

/// Lines at the ticks of the colour bar: light on dark, dark on light.
fn iso_lines(scene: &mut Scene, panel: &Panel, grid: &Grid2, bar: &Axis) {
    for (level, _) in &bar.ticks {
        let colour = if bar.fraction(*level) < 0.55 { WHITE.alpha(120) } else { INK.alpha(85) };
        for line in contour::lines(&grid.x, &grid.y, &grid.energy, *level) {
            panel.line(scene, line, Stroke::solid(colour, 1.0));
        }
    }
}

fn colour_bar(scene: &mut Scene, panel: &Panel, bar: &Axis, open: bool) {
    let [left, top, width, height] = panel.area;
    let (x, wide) = (left + width + BAR[0], BAR[1]);
    let head = if open { 22.0 } else { 0.0 };
    let strip = Panel { area: [x, top + head, wide, height - head], x: panel.x.clone(), y: bar.clone() };
    let n = (height - head) as u32;
    let colours = (0..n).map(|p| energy_map(1.0 - (f64::from(p) + 0.5) / f64::from(n)));
    let rgba = colours.flat_map(|Colour(r, g, b, a)| [r, g, b, a].repeat(wide as usize)).collect();
    scene.push(Shape::Image { at: [x as u32, (top + head) as u32], width: wide as u32, height: n, rgba });
    let ink = Stroke::solid(INK, 1.2);
    let (y0, y1) = (top + head, top + height);
    let mut outline = vec![[x, y0], [x, y1], [x + wide, y1], [x + wide, y0]];
    if open {
        // An arrow head: the last colour goes on.
        let corners = vec![[x, y0], [x + 0.5 * wide, top], [x + wide, y0]];
        scene.push(Shape::Polygon { corners, fill: energy_map(1.0) });
        outline.push([x + 0.5 * wide, top]);
    }
    outline.push([x, y0]);
    scene.push(Shape::Lines { parts: vec![outline], stroke: ink });
    for (level, label) in &bar.ticks {
        let [_, y] = strip.at(0.0, *level);
        scene.line([x + wide, y], [x + wide + 6.0, y], ink);
        scene.text([x + wide + 11.0, y + 0.35 * TICK_SIZE], label.as_str(), TICK_SIZE, INK, Anchor::Start);
    }
    let edge = x + wide + bar.label_width() + 38.0;
    scene.text_upwards([edge, top + 0.5 * height], "Energy E", LABEL_SIZE, INK);
}

/// Lines on a dark rim, then a ring where each begins and a dot where it ends.
fn walk_over(scene: &mut Scene, panel: &Panel, walks: &[Vec<[f64; 2]>]) {
    let first = |walk: &Vec<[f64; 2]>| walk.iter().take(MOST_STEPS + 1).copied().collect::<Vec<_>>();
    for (k, walk) in walks.iter().enumerate() {
        panel.line(scene, first(walk), Stroke::solid(INK.alpha(90), 2.8));
        panel.line(scene, first(walk), Stroke::solid(WALKS[k % WALKS.len()].alpha(235), 1.5));
    }
    for (k, walk) in walks.iter().enumerate() {
        let walk = first(walk);
        let colour = WALKS[k % WALKS.len()];
        let marks =
            [(walk.first(), WHITE, Stroke::solid(colour, 3.0)), (walk.last(), colour, Stroke::solid(WHITE, 1.5))];
        for (point, fill, stroke) in marks {
            let centres = panel.visible(point.copied());
            scene.push(Shape::Dots { centres, radius: 6.0, fill, stroke: Some(stroke) });
        }
    }
}
