//! Two dimensions: the energy as a map with lines of equal energy, draws and data as dots, chains walking over it.

use std::path::Path;

use super::axis::Axis;
use super::error::PlotError;
use super::file::save;
use super::landscape_1d::increasing;
use super::legend::Legend;
use super::map::{colour_bar, iso_lines, map};
use super::marks;
use super::panel::{Panel, left_margin, subtitle, title};
use super::range::{cut, opened, shown, span};
use super::scene::Scene;

const LARGEST: [f64; 2] = [920.0, 680.0]; // of the frame
const NARROWEST: f64 = 510.0;
const TOP: f64 = 82.0;
const BELOW: f64 = 84.0;

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

/// What is known in the plane.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// The title.
    pub title: &'a str,
    /// Names of the coordinates.
    pub axes: [&'a str; 2],
    /// The energy.
    pub grid: &'a Grid2,
    /// Whether exp(-E) is a density: then the wells are shown, else all of E.
    pub is_model: bool,
    /// Draws, or none.
    pub draws: &'a [[f64; 2]],
    /// Data, or none.
    pub data: &'a [[f64; 2]],
    /// Successive states of chains.
    pub walks: &'a [Vec<[f64; 2]>],
}

/// Draws the energy over a grid with draws, data and walks on top into `path` (`.svg` or `.png`).
///
/// Colours of a model end a little above the highest barrier and at most 30 above the minimum, so that wells look as wide as
/// they are; of an energy without density all but poles is shown, and a remark says what is cut. Places outside the support
/// stay white. Of draws and of data at most 4000 points are drawn, evenly spaced in their order; the legend says so, and how
/// many lie outside. A walk is a thin line from a ring to a full dot, cut to its first 2000 steps. Where the two axes have
/// similar ranges they have the same scale, so a ring is round.
///
/// # Errors
/// [`PlotError::Length`] if the energies do not fill the grid, [`PlotError::NotIncreasing`] if an axis does not rise, and
/// those of writing.
pub fn landscape_2d(path: &Path, what: &Plane) -> Result<(), PlotError> {
    save(path, || {
        let grid = what.grid;
        let expected = grid.x.len() * grid.y.len();
        if grid.energy.len() != expected {
            return Err(PlotError::Length { what: "energy", expected, found: grid.energy.len() });
        }
        increasing(what.axes[0], &grid.x)?;
        increasing(what.axes[1], &grid.y)?;
        Ok(layout(what))
    })
}

fn layout(what: &Plane) -> Scene {
    let grid = what.grid;
    let across = opened(span(grid.x.iter().copied()).unwrap_or((0.0, 1.0)));
    let along = opened(span(grid.y.iter().copied()).unwrap_or((0.0, 1.0)));
    let [width, height] = frame_size(across, along);
    let up = Axis::vertical(along, height);
    let left = left_margin(&[&up]);
    let legend = Legend::new(marks::entries(what, [across, along]), width);
    let top = TOP + legend.height();
    let panel = Panel { area: [left, top, width, height], x: Axis::horizontal(across, width), y: up };
    let range = shown(&grid.energy, grid.x.len(), what.is_model);
    let bar = Axis::vertical(range.unwrap_or((0.0, 1.0)), height - 40.0);
    let beside = super::map::room(&bar);
    let mut scene = Scene::new((left + width + beside) as u32, (top + height + BELOW) as u32);
    title(&mut scene, what.title, left, width + beside - 30.0);
    if let Some(words) = range.filter(|_| !what.is_model).and_then(|range| cut(&grid.energy, range)) {
        subtitle(&mut scene, &words, left, width + beside - 30.0);
    }
    match range {
        Some(range) if grid.x.len() > 1 && grid.y.len() > 1 => {
            let (min, max) = span(grid.energy.iter().copied()).unwrap_or(range);
            map(&mut scene, &panel, grid, &bar);
            iso_lines(&mut scene, &panel, grid, &bar);
            colour_bar(&mut scene, &panel, &bar, [min < bar.lo, max > bar.hi]);
        }
        Some(_) => panel.remark(&mut scene, "a map needs at least two points along each axis"),
        None => panel.remark(&mut scene, "no finite energy on this grid"),
    }
    marks::draw(&mut scene, &panel, what);
    panel.frame(&mut scene, Some(what.axes[0]), what.axes[1]);
    legend.draw(&mut scene, left + width, top - 16.0);
    scene
}

/// Width and height of the frame: one scale for both axes if that is not too slender.
fn frame_size(across: (f64, f64), along: (f64, f64)) -> [f64; 2] {
    let ratio = (across.1 - across.0) / (along.1 - along.0);
    let [w, h] = LARGEST;
    if !(NARROWEST / h..=2.2).contains(&ratio) {
        LARGEST
    } else if ratio * h <= w {
        [(ratio * h).round(), h]
    } else {
        [w, (w / ratio).round()]
    }
}
