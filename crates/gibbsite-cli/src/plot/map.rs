//! The energy as colours, with lines of equal energy and the scale beside the frame.

use super::axis::{Axis, TICK_SIZE};
use super::colour::{Colour, INK, WHITE, energy_map};
use super::contour;
use super::landscape_2d::Grid2;
use super::panel::{LABEL_SIZE, Panel};
use super::range::drawable;
use super::scene::{Anchor, Scene, Shape, Stroke};

const BAR: [f64; 2] = [26.0, 24.0]; // distance of the colour bar from the frame, and its width
const HEAD: f64 = 22.0; // height of an arrow head

/// Width in pixels that the scale needs beside the frame.
pub fn room(bar: &Axis) -> f64 {
    (BAR[0] + BAR[1] + bar.label_width() + 62.0).ceil()
}

/// Fills the frame with colours, pixel by pixel, bilinear between grid points.
pub fn map(scene: &mut Scene, panel: &Panel, grid: &Grid2, bar: &Axis) {
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
pub fn iso_lines(scene: &mut Scene, panel: &Panel, grid: &Grid2, bar: &Axis) {
    for (level, _) in &bar.ticks {
        let colour = if bar.fraction(*level) < 0.55 { WHITE.alpha(120) } else { INK.alpha(85) };
        for line in contour::lines(&grid.x, &grid.y, &grid.energy, *level) {
            panel.line(scene, line, Stroke::solid(colour, 1.0));
        }
    }
}

/// The scale; `open` below or above has an arrow head: the last colour goes on.
pub fn colour_bar(scene: &mut Scene, panel: &Panel, bar: &Axis, open: [bool; 2]) {
    let [left, top, width, height] = panel.area;
    let (x, wide) = (left + width + BAR[0], BAR[1]);
    let [tail, head] = open.map(|open| if open { HEAD } else { 0.0 });
    let (y0, y1) = (top + head, top + height - tail);
    let strip = Panel { area: [x, y0, wide, y1 - y0], x: panel.x.clone(), y: bar.clone() };
    let n = (y1 - y0) as u32;
    let colours = (0..n).map(|p| energy_map(1.0 - (f64::from(p) + 0.5) / f64::from(n)));
    let rgba = colours.flat_map(|Colour(r, g, b, a)| [r, g, b, a].repeat(wide as usize)).collect();
    scene.push(Shape::Image { at: [x as u32, y0 as u32], width: wide as u32, height: n, rgba });
    let ink = Stroke::solid(INK, 1.2);
    let mut outline = vec![[x, y0], [x, y1]];
    if open[0] {
        let tip = [x + 0.5 * wide, top + height];
        scene.push(Shape::Polygon { corners: vec![[x, y1], tip, [x + wide, y1]], fill: energy_map(0.0) });
        outline.push(tip);
    }
    outline.extend([[x + wide, y1], [x + wide, y0]]);
    if open[1] {
        let tip = [x + 0.5 * wide, top];
        scene.push(Shape::Polygon { corners: vec![[x, y0], tip, [x + wide, y0]], fill: energy_map(1.0) });
        outline.push(tip);
    }
    outline.push([x, y0]);
    scene.push(Shape::Lines { parts: vec![outline], stroke: ink });
    for (level, label) in &bar.ticks {
        let [_, y] = strip.at(0.0, *level);
        scene.line([x + wide, y], [x + wide + 6.0, y], ink);
        scene.text([x + wide + 11.0, y + 0.35 * TICK_SIZE], label.as_str(), TICK_SIZE, INK, Anchor::Start);
    }
    let edge = x + wide + bar.label_width() + 38.0;
    scene.text_upwards([edge, top + 0.5 * height], bar.named("Energy E"), LABEL_SIZE, INK);
}
