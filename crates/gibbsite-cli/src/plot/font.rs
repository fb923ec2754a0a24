//! The font that travels with the program: DejaVu Sans (licence in `LICENSE-DejaVu.txt`), for PNG text and for measuring.

use std::sync::LazyLock;

use tiny_skia::{Path, PathBuilder};
use ttf_parser::{Face, OutlineBuilder};

static FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(dejavu::sans::regular(), 0).ok());

/// DejaVu Sans, or nothing if its bytes were damaged (then text is left out, and measured by a guess).
pub fn face() -> Option<&'static Face<'static>> {
    FACE.as_ref()
}

/// Width of `text` in pixels at the em size `size`.
pub fn width(text: &str, size: f64) -> f64 {
    let Some(face) = face() else { return 0.6 * size * text.chars().count() as f64 };
    let units: u32 = text.chars().map(|c| u32::from(advance(face, c))).sum();
    f64::from(units) * size / f64::from(face.units_per_em())
}

/// `text`, cut with an ellipsis if it is wider than `limit` pixels.
pub fn fit(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_owned();
    }
    let mut room = limit - width("…", size);
    let fits = |c: &char| {
        room -= width(c.encode_utf8(&mut [0; 4]), size);
        room >= 0.0
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Outline of `text` that begins at (`x`, `y`) on the base line.
pub fn outline(face: &Face<'_>, text: &str, size: f64, x: f64, y: f64) -> Option<Path> {
    let scale = (size / f64::from(face.units_per_em())) as f32;
    let mut pen = Pen { builder: PathBuilder::new(), scale, x: x as f32, y: y as f32 };
    for c in text.chars() {
        let glyph = face.glyph_index(c).unwrap_or_default();
        face.outline_glyph(glyph, &mut pen);
        pen.x += f32::from(advance(face, c)) * scale;
    }
    pen.builder.finish()
}

fn advance(face: &Face<'_>, c: char) -> u16 {
    face.glyph_hor_advance(face.glyph_index(c).unwrap_or_default()).unwrap_or(0)
}

/// Moves glyph outlines (font units, y up) to pixels (y down).
struct Pen {
    builder: PathBuilder,
    scale: f32,
    x: f32,
    y: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, self.y - self.scale * y)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let (x1, y1) = self.at(x1, y1);
        let (x, y) = self.at(x, y);
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let (x1, y1) = self.at(x1, y1);
        let (x2, y2) = self.at(x2, y2);
        let (x, y) = self.at(x, y);
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_is_there_and_has_the_signs_of_the_labels() {
        let face = face().unwrap();
        for c in "0123456789.−×⁰¹²³⁴⁵⁶⁷⁸⁹⁻θβ∫∑exp(E)≥…".chars() {
            assert!(face.glyph_index(c).is_some(), "no glyph for {c}");
        }
        assert!(outline(face, "E(x)", 20.0, 0.0, 0.0).is_some());
    }

    #[test]
    fn long_titles_are_cut_to_the_width() {
        let long = "x^4 + ".repeat(300);
        let cut = fit(&long, 20.0, 500.0);
        assert!(cut.ends_with('…') && width(&cut, 20.0) <= 500.0);
        assert_eq!(fit("short", 20.0, 500.0), "short");
        assert_eq!(width("", 20.0), 0.0);
    }
}
