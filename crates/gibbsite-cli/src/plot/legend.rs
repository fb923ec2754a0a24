//! What the lines and marks stand for, in rows outside the frame, so that they hide nothing.

use super::colour::{Colour, INK};
use super::font;
use super::scene::{Anchor, Scene, Shape, Stroke};

const SIZE: f64 = 17.0;
const KEY: f64 = 30.0;
const GAP: f64 = 8.0;
const BETWEEN: f64 = 26.0;
const LINE: f64 = 26.0;

/// A mark of the legend.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// A line.
    Line(Stroke),
    /// A filled bar with its outline.
    Bar(Colour, Stroke),
    /// A dot of that radius.
    Dot(f64, Colour, Stroke),
}

impl Key {
    fn width(self) -> f64 {
        if matches!(self, Key::Dot(..)) { 14.0 } else { KEY }
    }
}

/// The entries, as many to a row as fit into a width.
#[derive(Clone, Debug)]
pub struct Legend {
    rows: Vec<Vec<(Key, String)>>,
}

impl Legend {
    /// Breaks the entries into rows; an entry that is wider than `width` is cut with an ellipsis.
    pub fn new(entries: impl IntoIterator<Item = (Key, String)>, width: f64) -> Self {
        let mut rows: Vec<Vec<(Key, String)>> = Vec::new();
        for (key, words) in entries {
            let entry = (key, font::fit(&words, SIZE, width - key.width() - GAP));
            match rows.last_mut() {
                Some(row) if row_width(row) + BETWEEN + entry_width(&entry) <= width => row.push(entry),
                _ => rows.push(vec![entry]),
            }
        }
        Self { rows }
    }

    /// Its height in pixels: 0 without entries.
    pub fn height(&self) -> f64 {
        LINE * self.rows.len() as f64
    }

    /// Writes the rows so that each ends at `right`, the base line of the last at `base`.
    pub fn draw(&self, scene: &mut Scene, right: f64, base: f64) {
        for (up, entries) in self.rows.iter().rev().enumerate() {
            row(scene, right, base - LINE * up as f64, entries);
        }
    }
}

fn entry_width((key, words): &(Key, String)) -> f64 {
    key.width() + GAP + font::width(words, SIZE)
}

fn row_width(entries: &[(Key, String)]) -> f64 {
    entries.iter().map(entry_width).sum::<f64>() + BETWEEN * entries.len().saturating_sub(1) as f64
}

fn row(scene: &mut Scene, right: f64, base: f64, entries: &[(Key, String)]) {
    let mut x = right - row_width(entries);
    let middle = base - 0.36 * SIZE;
    for entry in entries {
        let (key, words) = entry;
        let end = x + key.width();
        match *key {
            Key::Line(stroke) => scene.line([x, middle], [end, middle], stroke),
            Key::Bar(fill, stroke) => {
                scene.push(Shape::Rect { area: [x, middle - 7.0, KEY, 14.0], fill: Some(fill), stroke: Some(stroke) });
            }
            Key::Dot(radius, fill, stroke) => {
                let centres = vec![[x + 7.0, middle]];
                scene.push(Shape::Dots { centres, radius, fill, stroke: Some(stroke) });
            }
        }
        scene.text([end + GAP, base], words.as_str(), SIZE, INK, Anchor::Start);
        x += entry_width(entry) + BETWEEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::colour::MODEL;

    #[test]
    fn rows_never_run_over_the_width() {
        let key = Key::Line(Stroke::solid(MODEL, 1.0));
        let entries =
            ["draws (4,000 of 64,000 shown)", "data (n = 272, 272 outside)", "3 chains, 150 steps each", "end"];
        let legend = Legend::new(entries.map(|words| (key, words.to_owned())), 420.0);
        assert!(legend.rows.len() > 1 && legend.height() == LINE * legend.rows.len() as f64);
        assert!(legend.rows.iter().all(|row| row_width(row) <= 420.0));
        assert_eq!(Legend::new([], 100.0).height(), 0.0);
    }
}
