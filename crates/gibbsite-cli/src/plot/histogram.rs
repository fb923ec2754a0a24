//! Histograms as densities: bars that have area count / n.

use super::bins::Bins;
use super::colour::Colour;
use super::panel::Panel;
use super::range::drawable_only;
use super::scene::{Scene, Shape, Stroke};

/// Bars over equal bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Left end of the first bin.
    pub lo: f64,
    /// Width of a bin.
    pub width: f64,
    /// Count / (n · width) per bin, where n counts all drawable values, also those outside the interval.
    pub heights: Vec<f64>,
}

impl Histogram {
    /// The drawable values inside \[`lo`, `hi`\] in bins that fit them; nothing if there is no such value.
    pub fn new(values: &[f64], (lo, hi): (f64, f64)) -> Option<Self> {
        let (n, inside) = inside(values, (lo, hi));
        Bins::of(&inside).map(|bins| Self::over(bins, n, &inside))
    }

    fn over(bins: Bins, n: usize, inside: &[f64]) -> Self {
        let mut heights = vec![0.0; bins.n];
        for v in inside {
            heights[bins.index(*v)] += 1.0 / (n as f64 * bins.width);
        }
        Self { lo: bins.lo, width: bins.width, heights }
    }

    /// The highest bar.
    pub fn top(&self) -> f64 {
        self.heights.iter().copied().fold(0.0, f64::max)
    }

    /// Filled bars with outlines, cut at the sides of the panel.
    pub fn bars(&self, scene: &mut Scene, panel: &Panel, fill: Colour, outline: Stroke) {
        let within = |x: f64| x.clamp(panel.x.lo, panel.x.hi);
        for (i, &height) in self.heights.iter().enumerate().filter(|(_, h)| **h > 0.0) {
            let [left, top] = panel.at(within(self.lo + i as f64 * self.width), height);
            let [right, bottom] = panel.at(within(self.lo + (i + 1) as f64 * self.width), 0.0);
            let area = [left, top, right - left, bottom - top];
            scene.push(Shape::Rect { area, fill: Some(fill), stroke: Some(outline) });
        }
    }

    /// The outline of the bars as one line.
    pub fn steps(&self, scene: &mut Scene, panel: &Panel, stroke: Stroke) {
        let mut line = vec![[self.lo, 0.0]];
        for (i, &height) in self.heights.iter().enumerate() {
            line.push([self.lo + i as f64 * self.width, height]);
            line.push([self.lo + (i + 1) as f64 * self.width, height]);
        }
        line.push([self.lo + self.heights.len() as f64 * self.width, 0.0]);
        panel.line(scene, line, stroke);
    }
}

/// The number of drawable values, and those inside the range, sorted.
fn inside(values: &[f64], (lo, hi): (f64, f64)) -> (usize, Vec<f64>) {
    let mut values = drawable_only(values);
    let n = values.len();
    values.retain(|v| (lo..=hi).contains(v));
    values.sort_by(f64::total_cmp);
    (n, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_share_inside() {
        let values = [0.1, 0.2, 0.9, 1.0, 5.0, f64::NAN];
        let h = Histogram::new(&values, (0.0, 1.0)).unwrap();
        let area: f64 = h.heights.iter().map(|v| v * h.width).sum();
        assert!((area - 0.8).abs() < 1e-12);
        assert_eq!(Histogram::new(&[f64::NAN], (0.0, 1.0)), None);
        assert_eq!(Histogram::new(&values, (2.0, 3.0)), None);
    }
}
