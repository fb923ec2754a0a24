//! A picture as a list of shapes in pixels, origin at the top left, drawn in order.

use super::colour::Colour;

/// A line style.
#[derive(Clone, Copy, Debug)]
pub struct Stroke {
    /// Colour.
    pub colour: Colour,
    /// Width in pixels.
    pub width: f64,
    /// Lengths of dash and gap, if dashed.
    pub dash: Option<[f64; 2]>,
}

impl Stroke {
    /// A solid line.
    pub const fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: None }
    }

    /// A dashed line.
    pub const fn dashed(colour: Colour, width: f64, dash: [f64; 2]) -> Self {
        Self { colour, width, dash: Some(dash) }
    }
}

/// Which end of a text its position names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

/// One line of text.
#[derive(Clone, Debug)]
pub struct Text {
    /// Anchor on the base line.
    pub at: [f64; 2],
    /// What it says.
    pub text: String,
    /// Height of the em square in pixels.
    pub size: f64,
    /// Colour.
    pub colour: Colour,
    /// Which end `at` names.
    pub anchor: Anchor,
    /// Reads upwards (turned by −90 degrees about `at`).
    pub upwards: bool,
}

/// Something to draw.
#[derive(Clone, Debug)]
pub enum Shape {
    /// An axis-parallel rectangle `[left, top, width, height]`.
    Rect { area: [f64; 4], fill: Option<Colour>, stroke: Option<Stroke> },
    /// Open polylines that share one style.
    Lines { parts: Vec<Vec<[f64; 2]>>, stroke: Stroke },
    /// A filled polygon.
    Polygon { corners: Vec<[f64; 2]>, fill: Colour },
    /// Circles of one radius.
    Dots { centres: Vec<[f64; 2]>, radius: f64, fill: Colour, stroke: Option<Stroke> },
    /// Pixels with colour and alpha, row by row from the top, one screen pixel each.
    Image { at: [u32; 2], width: u32, height: u32, rgba: Vec<u8> },
    /// Text.
    Text(Text),
}

/// A whole picture.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Shapes, back to front.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An empty white picture.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    /// Adds a shape in front of the others.
    pub fn push(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// Adds one straight line.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], stroke: Stroke) {
        self.push(Shape::Lines { parts: vec![vec![from, to]], stroke });
    }

    /// Adds horizontal text.
    pub fn text(&mut self, at: [f64; 2], text: impl Into<String>, size: f64, colour: Colour, anchor: Anchor) {
        self.push(Shape::Text(Text { at, text: text.into(), size, colour, anchor, upwards: false }));
    }

    /// Adds centred text that reads upwards.
    pub fn text_upwards(&mut self, at: [f64; 2], text: impl Into<String>, size: f64, colour: Colour) {
        let anchor = Anchor::Middle;
        self.push(Shape::Text(Text { at, text: text.into(), size, colour, anchor, upwards: true }));
    }
}
