//! Scene to SVG text.

use std::fmt::Write;

use super::colour::{Colour, WHITE};
use super::error::PlotError;
use super::png;
use super::scene::{Anchor, Scene, Shape, Stroke, Text};

/// The scene as an SVG document. Text stays text (`sans-serif`), an image is embedded as PNG.
///
/// # Errors
/// [`PlotError::Encode`] if an embedded image cannot be encoded.
pub fn encode(scene: &Scene) -> Result<String, PlotError> {
    let (w, h) = (scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<rect width=\"{w}\" height=\"{h}\"{}/>\n",
        fill(WHITE)
    );
    for s in &scene.shapes {
        shape(&mut out, s)?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn shape(out: &mut String, shape: &Shape) -> Result<(), PlotError> {
    match shape {
        Shape::Rect { area: [x, y, w, h], fill: inner, stroke: outer } => {
            let style = format!("{}{}", inner.map_or_else(|| " fill=\"none\"".to_owned(), fill), border(*outer));
            let (x, y, w, h) = (num(*x), num(*y), num(*w), num(*h));
            push(out, format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{style}/>\n"));
        }
        Shape::Lines { parts, stroke: s } => {
            let d: String = parts.iter().map(|part| path(part)).collect();
            let style = stroke(*s);
            push(out, format_args!("<path d=\"{d}\" fill=\"none\" stroke-linejoin=\"round\"{style}/>\n"));
        }
        Shape::Polygon { corners, fill: inner } => {
            push(out, format_args!("<path d=\"{}Z\"{}/>\n", path(corners), fill(*inner)));
        }
        Shape::Dots { centres, radius, fill: inner, stroke: outer } => {
            push(out, format_args!("<g{}{}>\n", fill(*inner), border(*outer)));
            for [x, y] in centres {
                let (x, y, r) = (num(*x), num(*y), num(*radius));
                push(out, format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>\n"));
            }
            out.push_str("</g>\n");
        }
        Shape::Image { at: [x, y], width, height, rgba } => {
            let code = base64(&png::encode_pixels(*width, *height, rgba)?);
            push(
                out,
                format_args!(
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                     href=\"data:image/png;base64,{code}\"/>\n"
                ),
            );
        }
        Shape::Text(text) => self::text(out, text),
    }
    Ok(())
}

fn text(out: &mut String, t: &Text) {
    let [x, y] = t.at.map(num);
    let anchor = match t.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let turn = if t.upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let (size, style, words) = (num(t.size), fill(t.colour), escape(&t.text));
    push(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{style}{turn}>{words}</text>\n"
        ),
    );
}

fn push(out: &mut String, args: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(args); // writing to a String cannot fail
}

fn fill(c: Colour) -> String {
    paint("fill", c)
}

fn stroke(s: Stroke) -> String {
    let dash = s.dash.map_or_else(String::new, |[on, off]| format!(" stroke-dasharray=\"{} {}\"", num(on), num(off)));
    format!("{} stroke-width=\"{}\"{dash}", paint("stroke", s.colour), num(s.width))
}

fn border(s: Option<Stroke>) -> String {
    s.map_or_else(String::new, stroke)
}

fn paint(what: &str, Colour(r, g, b, a): Colour) -> String {
    let opacity = if a == 255 { String::new() } else { format!(" {what}-opacity=\"{}\"", num(f64::from(a) / 255.0)) };
    format!(" {what}=\"#{r:02x}{g:02x}{b:02x}\"{opacity}")
}

fn path(points: &[[f64; 2]]) -> String {
    let mut d = String::with_capacity(14 * points.len());
    for (i, [x, y]) in points.iter().enumerate() {
        push(&mut d, format_args!("{}{} {}", if i == 0 { 'M' } else { 'L' }, num(*x), num(*y)));
    }
    d
}

/// Two decimals at most; 3.10 is written 3.1 and −0 is written 0.
fn num(v: f64) -> String {
    let text = format!("{v:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Text as XML character data; control characters, which XML forbids, become spaces.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(4 * bytes.len().div_ceil(3));
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |w, i| (w << 8) | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        for (plain, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), code);
        }
    }

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!([3.1, -0.001, 10.0, 0.125].map(num), ["3.1", "0", "10", "0.12"]);
        assert_eq!(escape("a<b & c>\u{1}d"), "a&lt;b &amp; c&gt; d");
    }
}
