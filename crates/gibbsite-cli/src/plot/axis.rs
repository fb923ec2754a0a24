//! Tick positions and their labels.

use super::font;
use super::range::opened;

/// Size of tick labels in pixels.
pub const TICK_SIZE: f64 = 17.0;

/// Least height of a row of tick labels along a vertical axis, in pixels.
const ROW: f64 = 34.0;

/// Labels leave out a common offset when the step is this small a part of the numbers.
const OFFSET: f64 = 1e-5;

/// A linear axis with its ticks.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Left or lower end.
    pub lo: f64,
    /// Right or upper end.
    pub hi: f64,
    /// Positions and labels, rising.
    pub ticks: Vec<(f64, String)>,
    /// What the labels leave out, as it is written after the name of the axis: "− 10⁶", or nothing.
    offset: String,
}

impl Axis {
    /// A horizontal axis of `length` pixels: as many ticks (at most nine) as leave the labels apart.
    pub fn horizontal(range: (f64, f64), length: f64) -> Self {
        let mut axis = Self::new(range, 9);
        for most in (2..9).rev() {
            if 1.6 * axis.label_width() * axis.ticks.len() as f64 <= length {
                break;
            }
            axis = Self::new(range, most);
        }
        axis
    }

    /// A vertical axis of `length` pixels.
    pub fn vertical(range: (f64, f64), length: f64) -> Self {
        Self::new(range, ((length / ROW) as usize).clamp(2, 10))
    }

    /// The axis with ticks at multiples of 1, 2 or 5 times a power of ten: the densest with at most `most` of them, but at
    /// least two.
    fn new(range: (f64, f64), most: usize) -> Self {
        let (lo, hi) = opened(range);
        let raw = (hi - lo) / most as f64;
        let unit = 10_f64.powf(raw.log10().floor());
        let ends = |step: f64| ((lo / step - 1e-6).ceil() as i64, (hi / step + 1e-6).floor() as i64);
        let count = |step: f64| {
            let (first, last) = ends(step);
            (last - first + 1).max(0) as usize
        };
        let steps = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0].map(|m| m * unit);
        let fits = steps.iter().position(|s| count(*s) <= most).unwrap_or(steps.len() - 1);
        let step = steps[if count(steps[fits]) < 2 { fits.saturating_sub(1) } else { fits }];

        let size = lo.abs().max(hi.abs());
        let (first, last) = ends(step);
        let (shift, offset) =
            if step < OFFSET * size { common(0.5 * (lo + hi), hi - lo, step) } else { (0, String::new()) };
        let size = if shift == 0 { size } else { (hi - lo).max(step * (last - shift).abs().max(1) as f64) };
        let tick = |i: i64| (i as f64 * step, label((i - shift) as f64 * step, step, size));
        Self { lo, hi, ticks: (first..=last).map(tick).collect(), offset }
    }

    /// The name of the axis with what its labels leave out: "x − 10⁶".
    pub fn named(&self, name: &str) -> String {
        if self.offset.is_empty() { name.to_owned() } else { format!("{name} {}", self.offset) }
    }

    /// Position along the axis, 0 at `lo` and 1 at `hi`.
    pub fn fraction(&self, v: f64) -> f64 {
        (v - self.lo) / (self.hi - self.lo)
    }

    /// Width of the widest label in pixels.
    pub fn label_width(&self) -> f64 {
        self.ticks.iter().map(|(_, label)| font::width(label, TICK_SIZE)).fold(0.0, f64::max)
    }
}

/// A round number near `middle` that labels of an axis of that `range` leave out: in steps, and as text.
fn common(middle: f64, range: f64, step: f64) -> (i64, String) {
    let mut power = range.log10().ceil() as i32;
    let mut n = (middle / 10_f64.powi(power)).round() as i64;
    let shift = (n as f64 * 10_f64.powi(power) / step).round() as i64;
    while n != 0 && n % 10 == 0 {
        n /= 10;
        power += 1;
    }
    let sign = if n < 0 { '+' } else { '−' };
    let digits = match (n.abs(), power) {
        (0, _) => return (0, String::new()),
        (1, 5..) => format!("10{}", superscript(power)),
        (n, 5..) => format!("{n}×10{}", superscript(power)),
        (n, _) => format!("{:.*}", usize::try_from(-power).unwrap_or(0), n as f64 * 10_f64.powi(power)),
    };
    (shift, format!("{sign} {digits}"))
}

/// `v` with just the digits that `step` needs; powers of ten where plain digits would be long.
fn label(v: f64, step: f64, size: f64) -> String {
    let last_digit = (step.log10() + 1e-9).floor() as i32;
    if (1e-3..1e5).contains(&size) && last_digit >= -5 {
        return minus(&format!("{v:.*}", usize::try_from(-last_digit).unwrap_or(0)));
    }
    if v == 0.0 {
        return "0".to_owned();
    }
    let power = size.log10().floor() as i32;
    let digits = usize::try_from(power - last_digit).unwrap_or(0).min(7);
    let mantissa = minus(&format!("{:.digits$}", v / 10_f64.powi(power)));
    format!("{mantissa}×10{}", superscript(power))
}

/// The typographic minus sign, and no minus before zero.
fn minus(digits: &str) -> String {
    match digits.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| c == '0' || c == '.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => digits.to_owned(),
    }
}

fn superscript(power: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    power.to_string().chars().map(raised).collect()
}

/// A number with three digits, for remarks.
pub fn short(v: f64) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    let power = v.abs().log10().floor();
    label(v, 10_f64.powf(power - 2.0).min(if power < 5.0 { 1.0 } else { f64::INFINITY }), v.abs())
}

/// A count with commas between thousands.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lo: f64, hi: f64) -> Vec<String> {
        Axis::new((lo, hi), 6).ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn short_axes_have_at_least_two_ticks_and_use_their_room() {
        let labels = |axis: Axis| axis.ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Axis::vertical((-3.4, 3.3), 176.0)), ["−2", "0", "2"]);
        assert_eq!(labels(Axis::vertical((-3.4, 3.3), 120.0)), ["−2", "0", "2"]);
        assert!(labels(Axis::vertical((-0.9, 1.7), 70.0)).len() >= 2);
    }

    #[test]
    fn a_range_that_is_tiny_beside_its_place_leaves_out_an_offset() {
        let axis = Axis::new((1e6 - 0.003, 1e6 + 0.003), 6);
        assert_eq!(axis.named("x"), "x − 10⁶");
        let labels: Vec<_> = axis.ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(labels, ["−0.002", "0.000", "0.002"]);
        assert!((axis.ticks[0].0 - (1e6 - 0.002)).abs() < 1e-9);
        assert_eq!(Axis::new((-1234.5678, -1234.5671), 6).named("y"), "y + 1234.567");
        assert_eq!(Axis::new((-4.0, 4.0), 6).named("x"), "x");
    }

    #[test]
    fn labels_carry_the_digits_of_their_step() {
        assert_eq!(labels(0.0, 0.5), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(-4.0, 4.0), ["−4", "−2", "0", "2", "4"]);
        assert_eq!(labels(-1e-3, 1e-3), ["−0.0010", "−0.0005", "0.0000", "0.0005", "0.0010"]);
        assert_eq!(labels(0.0, 2.4e6), ["0", "0.5×10⁶", "1.0×10⁶", "1.5×10⁶", "2.0×10⁶"]);
        assert_eq!(labels(0.0, 3e-8), ["0", "1×10⁻⁸", "2×10⁻⁸", "3×10⁻⁸"]);
    }

    #[test]
    fn any_range_has_a_few_distinct_labels() {
        for (lo, hi) in
            [(0.0, 0.0), (1e9, 1e9 + 1e-3), (-1e100, 1e100), (1e-100, 2e-100), (5.0, 5.0000001), (-1e-120, 0.0)]
        {
            for length in [40.0, 300.0, 1200.0] {
                for axis in [Axis::horizontal((lo, hi), length), Axis::vertical((lo, hi), length)] {
                    let mut labels: Vec<_> = axis.ticks.iter().map(|t| &t.1).collect();
                    let n = labels.len();
                    labels.dedup();
                    assert!(n <= 12 && labels.len() == n, "{lo} {hi}: {labels:?}");
                    assert!(axis.ticks.iter().all(|t| (-0.01..=1.01).contains(&axis.fraction(t.0))));
                }
            }
        }
    }

    #[test]
    fn thousands() {
        assert_eq!([0, 999, 1000, 64000, 1234567].map(count), ["0", "999", "1,000", "64,000", "1,234,567"]);
    }
}
