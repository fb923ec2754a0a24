//! Scene to PNG bytes: anti-aliased, with the embedded font, no system libraries.

use tiny_skia::{
    ColorU8, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Rect, StrokeDash, Transform,
};

use super::colour::Colour;
use super::error::PlotError;
use super::font;
use super::scene::{Anchor, Scene, Shape, Stroke, Text};

/// The scene as a PNG file, one pixel per unit.
///
/// # Errors
/// [`PlotError::Encode`] if the size is zero or too large.
pub fn encode(scene: &Scene) -> Result<Vec<u8>, PlotError> {
    let mut map = blank(scene.width, scene.height)?;
    map.fill(tiny_skia::Color::WHITE);
    let face = font::face();
    for shape in &scene.shapes {
        match shape {
            Shape::Rect { area: [x, y, w, h], fill, stroke } => {
                let rect = Rect::from_xywh(*x as f32, *y as f32, *w as f32, *h as f32);
                paint(&mut map, rect.map(PathBuilder::from_rect), *fill, *stroke);
            }
            Shape::Lines { parts, stroke } => {
                let mut builder = PathBuilder::new();
                parts.iter().for_each(|part| trace(&mut builder, part));
                paint(&mut map, builder.finish(), None, Some(*stroke));
            }
            Shape::Polygon { corners, fill } => {
                let mut builder = PathBuilder::new();
                trace(&mut builder, corners);
                builder.close();
                paint(&mut map, builder.finish(), Some(*fill), None);
            }
            Shape::Dots { centres, radius, fill, stroke } => {
                for [x, y] in centres {
                    paint(
                        &mut map,
                        PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32),
                        Some(*fill),
                        *stroke,
                    );
                }
            }
            Shape::Image { at: [x, y], width, height, rgba } => {
                let image = pixels(*width, *height, rgba)?;
                let at = (i32::try_from(*x).unwrap_or(0), i32::try_from(*y).unwrap_or(0));
                map.draw_pixmap(at.0, at.1, image.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
            }
            Shape::Text(text) => {
                if let Some(face) = face {
                    write(&mut map, face, text);
                }
            }
        }
    }
    finish(&map)
}

/// A bare image (colour and alpha, row by row from the top) as a PNG file.
///
/// # Errors
/// [`PlotError::Encode`] if the size is zero or does not match the pixels.
pub fn encode_pixels(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<u8>, PlotError> {
    finish(&pixels(width, height, rgba)?)
}

/// Colour only where every pixel is opaque, with alpha otherwise; packed tightly, since pictures are sent around.
fn finish(map: &Pixmap) -> Result<Vec<u8>, PlotError> {
    let opaque = map.pixels().iter().all(|p| p.is_opaque());
    let (kind, depth) = if opaque { (png::ColorType::Rgb, 3) } else { (png::ColorType::Rgba, 4) };
    let plain = map.pixels().iter().map(|p| p.demultiply());
    let bytes: Vec<u8> =
        plain.flat_map(|p| [p.red(), p.green(), p.blue(), p.alpha()].into_iter().take(depth)).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, map.width(), map.height());
    encoder.set_color(kind);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let written =
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes).and_then(|()| writer.finish()));
    written.map_err(|e| PlotError::Encode { message: e.to_string() })?;
    Ok(file)
}

fn blank(width: u32, height: u32) -> Result<Pixmap, PlotError> {
    Pixmap::new(width, height)
        .ok_or_else(|| PlotError::Encode { message: format!("no picture of {width} by {height} pixels") })
}

fn pixels(width: u32, height: u32, rgba: &[u8]) -> Result<Pixmap, PlotError> {
    let mut map = blank(width, height)?;
    for (to, from) in map.pixels_mut().iter_mut().zip(rgba.chunks_exact(4)) {
        *to = ColorU8::from_rgba(from[0], from[1], from[2], from[3]).premultiply();
    }
    Ok(map)
}

fn trace(builder: &mut PathBuilder, points: &[[f64; 2]]) {
    for (i, [x, y]) in points.iter().enumerate() {
        match i {
            0 => builder.move_to(*x as f32, *y as f32),
            _ => builder.line_to(*x as f32, *y as f32),
        }
    }
}

fn colour(Colour(r, g, b, a): Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, a);
    paint.anti_alias = true;
    paint
}

fn paint(map: &mut Pixmap, path: Option<Path>, fill: Option<Colour>, stroke: Option<Stroke>) {
    let Some(path) = path else { return };
    if let Some(c) = fill {
        map.fill_path(&path, &colour(c), FillRule::Winding, Transform::identity(), None);
    }
    if let Some(s) = stroke {
        let style = tiny_skia::Stroke {
            width: s.width as f32,
            line_join: LineJoin::Round,
            line_cap: LineCap::Butt,
            dash: s.dash.and_then(|d| StrokeDash::new(d.map(|v| v as f32).to_vec(), 0.0)),
            ..Default::default()
        };
        map.stroke_path(&path, &colour(s.colour), &style, Transform::identity(), None);
    }
}

fn write(map: &mut Pixmap, face: &ttf_parser::Face<'_>, t: &Text) {
    let width = font::width(&t.text, t.size);
    let back = match t.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5 * width,
        Anchor::End => width,
    };
    let [x, y] = t.at;
    let Some(path) = font::outline(face, &t.text, t.size, x - back, y) else { return };
    let turn = if t.upwards { Transform::from_rotate_at(-90.0, x as f32, y as f32) } else { Transform::identity() };
    map.fill_path(&path, &colour(t.colour), FillRule::Winding, turn, None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::colour::INK;

    /// The colour bytes of an opaque picture.
    fn decode(file: &[u8]) -> Vec<u8> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        bytes
    }

    #[test]
    fn text_leaves_ink_without_system_fonts() {
        let mut scene = Scene::new(120, 40);
        let empty = encode(&scene).unwrap();
        scene.text([60.0, 30.0], "E(x)", 24.0, INK, Anchor::Middle);
        let map = decode(&encode(&scene).unwrap());
        let dark = map.chunks(3).filter(|p| p[0] < 100).count();
        assert!(dark > 60 && dark < 1500, "{dark} dark pixels");
        assert!(decode(&empty).iter().all(|&v| v == 255));
    }

    #[test]
    fn translucent_pixels_are_mixed_with_the_page() {
        let mut scene = Scene::new(3, 1);
        let rgba = vec![190, 60, 0, 255, 190, 60, 0, 127, 190, 60, 0, 0];
        scene.push(Shape::Image { at: [0, 0], width: 3, height: 1, rgba });
        let bytes = decode(&encode(&scene).unwrap());
        assert_eq!((&bytes[..3], &bytes[6..9]), (&[190, 60, 0][..], &[255, 255, 255][..]));
        assert!((i32::from(bytes[3]) - 223).abs() < 3 && (i32::from(bytes[5]) - 128).abs() < 3, "{bytes:?}");
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(matches!(encode(&Scene::new(0, 5)), Err(PlotError::Encode { .. })));
    }
}
