//! What the lines and marks stand for, in one row outside the frame, so that it hides nothing.

use super::colour::{Colour, INK};
use super::font;
use super::scene::{Anchor, Scene, Shape, Stroke};

const SIZE: f64 = 17.0;
const KEY: f64 = 30.0;
const GAP: f64 = 8.0;
const BETWEEN: f64 = 26.0;

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

/// Writes the row so that it ends at `right`, with its base line at `base`.
pub fn row(scene: &mut Scene, right: f64, base: f64, entries: &[(Key, String)]) {
    let key_width = |key: &Key| if matches!(key, Key::Dot(..)) { 14.0 } else { KEY };
    let wide = |(key, words): &(Key, String)| key_width(key) + GAP + font::width(words, SIZE);
    let total: f64 = entries.iter().map(wide).sum::<f64>() + BETWEEN * entries.len().saturating_sub(1) as f64;
    let mut x = right - total;
    let middle = base - 0.36 * SIZE;
    for entry in entries {
        let (key, words) = entry;
        let end = x + key_width(key);
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
        x += wide(entry) + BETWEEN;
    }
}
