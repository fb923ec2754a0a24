//! Histograms as densities: bars that have area count / n.

use super::colour::Colour;
use super::panel::Panel;
use super::range::drawable_only;
use super::scene::{Scene, Shape, Stroke};

/// Equal bins over an interval.
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
    /// Bins of the drawable values over \[`lo`, `hi`\]; nothing if there is no such value.
    pub fn new(values: &[f64], (lo, hi): (f64, f64), bins: usize) -> Option<Self> {
        let values = drawable_only(values);
        let bins = bins.max(1);
        let width = (hi - lo) / bins as f64;
        if values.is_empty() || !(width > 0.0) {
            return None;
        }
        let mut heights = vec![0.0; bins];
        for &v in values.iter().filter(|&&v| v >= lo && v <= hi) {
            heights[(((v - lo) / width) as usize).min(bins - 1)] += 1.0 / (values.len() as f64 * width);
        }
        Some(Self { lo, width, heights })
    }

    /// The highest bar.
    pub fn top(&self) -> f64 {
        self.heights.iter().copied().fold(0.0, f64::max)
    }

    /// Filled bars with outlines.
    pub fn bars(&self, scene: &mut Scene, panel: &Panel, fill: Colour, outline: Stroke) {
        for (i, &height) in self.heights.iter().enumerate().filter(|(_, h)| **h > 0.0) {
            let [left, top] = panel.at(self.lo + i as f64 * self.width, height);
            let [right, bottom] = panel.at(self.lo + (i + 1) as f64 * self.width, 0.0);
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

/// Number of bins over \[`lo`, `hi`\]: width 2 IQR n^(−1/3) (Freedman and Diaconis, 1981), between 8 and 100.
pub fn n_bins(values: &[f64], (lo, hi): (f64, f64)) -> usize {
    let mut sorted = drawable_only(values);
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 8 };
    let iqr = sorted[last * 3 / 4] - sorted[last / 4];
    let bins = (hi - lo) / (2.0 * iqr * (sorted.len() as f64).powf(-1.0 / 3.0));
    if bins.is_finite() { (bins.ceil() as usize).clamp(8, 100) } else { 30 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_the_share_inside() {
        let values = [0.1, 0.2, 0.9, 1.0, 5.0, f64::NAN];
        let h = Histogram::new(&values, (0.0, 1.0), 4).unwrap();
        let area: f64 = h.heights.iter().map(|v| v * h.width).sum();
        assert!((area - 0.8).abs() < 1e-12);
        assert!((h.heights[0] - 1.6).abs() < 1e-12 && h.heights[1] == 0.0);
        assert_eq!(Histogram::new(&[f64::NAN], (0.0, 1.0), 4), None);
        assert_eq!(Histogram::new(&values, (1.0, 1.0), 4), None);
    }

    #[test]
    fn bins_are_bounded() {
        assert_eq!(n_bins(&[], (0.0, 1.0)), 8);
        assert_eq!(n_bins(&[2.0; 50], (0.0, 4.0)), 30);
        let many: Vec<f64> = (0..100_000).map(f64::from).collect();
        assert_eq!(n_bins(&many, (0.0, 1e9)), 100);
    }
}
