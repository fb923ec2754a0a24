//! One pair of axes: from numbers to pixels, grid lines, frame and labels.

use super::axis::{Axis, TICK_SIZE};
use super::clip;
use super::colour::{GREY, GRID, INK};
use super::font;
use super::scene::{Anchor, Scene, Shape, Stroke};

/// Size of titles of axes in pixels.
pub const LABEL_SIZE: f64 = 19.0;
/// Size of the title of a picture in pixels, if it is short.
pub const TITLE_SIZE: f64 = 25.0;
/// Distance between the frame and the base line of the horizontal title.
pub const BELOW: f64 = 60.0;

const SUBTITLE_SIZE: f64 = 15.0;
const TICK: f64 = 6.0;
const EDGE: f64 = 26.0;

/// An area of the picture with its two axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// `[left, top, width, height]` in pixels.
    pub area: [f64; 4],
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
}

impl Panel {
    /// The pixel of a point.
    pub fn at(&self, x: f64, y: f64) -> [f64; 2] {
        let [left, top, width, height] = self.area;
        [left + width * self.x.fraction(x), top + height * (1.0 - self.y.fraction(y))]
    }

    /// The line through points, cut at the frame, interrupted where a number is not finite.
    pub fn line(&self, scene: &mut Scene, points: impl IntoIterator<Item = [f64; 2]>, stroke: Stroke) {
        let parts = clip::polyline(points.into_iter().map(|[x, y]| self.at(x, y)), self.area);
        if !parts.is_empty() {
            scene.push(Shape::Lines { parts, stroke });
        }
    }

    /// The points inside the frame, in pixels.
    pub fn visible(&self, points: impl IntoIterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
        points.into_iter().map(|[x, y]| self.at(x, y)).filter(|&p| clip::inside(p, self.area)).collect()
    }

    /// Light lines at the ticks; drawn before the data.
    pub fn grid(&self, scene: &mut Scene) {
        let [left, top, width, height] = self.area;
        let mut parts = Vec::new();
        for (v, _) in &self.x.ticks {
            let [x, _] = self.at(*v, self.y.lo);
            parts.push(vec![[x, top], [x, top + height]]);
        }
        for (v, _) in &self.y.ticks {
            let [_, y] = self.at(self.x.lo, *v);
            parts.push(vec![[left, y], [left + width, y]]);
        }
        scene.push(Shape::Lines { parts, stroke: Stroke::solid(GRID, 1.0) });
    }

    /// Frame, ticks and labels; drawn after the data. Without `x_title` the horizontal ticks carry no labels; an empty
    /// `y_title` is not written.
    pub fn frame(&self, scene: &mut Scene, x_title: Option<&str>, y_title: &str) {
        let [left, top, width, height] = self.area;
        let bottom = top + height;
        let mut ticks = Vec::new();
        for (v, label) in &self.x.ticks {
            let [x, _] = self.at(*v, self.y.lo);
            ticks.push(vec![[x, bottom], [x, bottom + TICK]]);
            if x_title.is_some() {
                scene.text([x, bottom + TICK + 19.0], label.as_str(), TICK_SIZE, INK, Anchor::Middle);
            }
        }
        for (v, label) in &self.y.ticks {
            let [_, y] = self.at(self.x.lo, *v);
            ticks.push(vec![[left - TICK, y], [left, y]]);
            scene.text([left - TICK - 5.0, y + 0.35 * TICK_SIZE], label.as_str(), TICK_SIZE, INK, Anchor::End);
        }
        let stroke = Stroke::solid(INK, 1.2);
        scene.push(Shape::Lines { parts: ticks, stroke });
        scene.push(Shape::Rect { area: self.area, fill: None, stroke: Some(stroke) });
        if let Some(title) = x_title {
            let title = font::fit(&self.x.named(title), LABEL_SIZE, width);
            scene.text([left + 0.5 * width, bottom + BELOW], title, LABEL_SIZE, INK, Anchor::Middle);
        }
        if !y_title.is_empty() {
            let title = font::fit(&self.y.named(y_title), LABEL_SIZE, height + 40.0);
            scene.text_upwards([EDGE + 0.4 * LABEL_SIZE, top + 0.5 * height], title, LABEL_SIZE, INK);
        }
    }

    /// A remark in the middle of a panel that has nothing to show.
    pub fn remark(&self, scene: &mut Scene, words: &str) {
        let [left, top, width, height] = self.area;
        scene.text([left + 0.5 * width, top + 0.5 * height], words, LABEL_SIZE, GREY, Anchor::Middle);
    }
}

/// Distance from the frame to the right border of the picture, so that the last label of the horizontal axis is not cut.
pub fn right_margin(range: (f64, f64)) -> f64 {
    // The labels hardly depend on the length of the axis, which depends on them.
    (0.5 * Axis::horizontal(range, 1000.0).label_width() + 8.0).max(36.0).ceil()
}

/// Distance from the left border of the picture to a frame whose vertical axes are these.
pub fn left_margin(axes: &[&Axis]) -> f64 {
    let widest = axes.iter().map(|axis| axis.label_width()).fold(0.0, f64::max);
    (EDGE + LABEL_SIZE + widest + 22.0).ceil()
}

/// A remark under the title.
pub fn subtitle(scene: &mut Scene, words: &str, left: f64, width: f64) {
    scene.text([left, 66.0], font::fit(words, SUBTITLE_SIZE, width), SUBTITLE_SIZE, GREY, Anchor::Start);
}

/// The title of a picture at the top, over the frame: smaller and cut with an ellipsis if it is long.
pub fn title(scene: &mut Scene, words: &str, left: f64, width: f64) {
    let size = (TITLE_SIZE * width / font::width(words, TITLE_SIZE).max(1.0)).clamp(17.0, TITLE_SIZE);
    scene.text([left, 42.0], font::fit(words, size, width), size, INK, Anchor::Start);
}
