//! Tick positions and their labels.

use super::font;
use super::range::opened;

/// Size of tick labels in pixels.
pub const TICK_SIZE: f64 = 17.0;

/// A linear axis with its ticks.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Left or lower end.
    pub lo: f64,
    /// Right or upper end.
    pub hi: f64,
    /// Positions and labels, rising.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A horizontal axis of `length` pixels: as many ticks (at most nine) as leave the labels apart.
    pub fn horizontal(range: (f64, f64), length: f64) -> Self {
        let mut axis = Self::new(range, 9);
        for target in (2..9).rev() {
            if 1.6 * axis.label_width() * axis.ticks.len() as f64 <= length {
                break;
            }
            axis = Self::new(range, target);
        }
        axis
    }

    /// A vertical axis of `length` pixels.
    pub fn vertical(range: (f64, f64), length: f64) -> Self {
        Self::new(range, ((length / 48.0) as usize).clamp(2, 10))
    }

    /// An axis with at most about `target` ticks, at multiples of 1, 2 or 5 times a power of ten.
    fn new(range: (f64, f64), target: usize) -> Self {
        let (lo, hi) = opened(range);
        let raw = (hi - lo) / target as f64;
        let unit = 10_f64.powf(raw.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|m| m * unit).into_iter().find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or(raw);
        let (first, last) = ((lo / step - 1e-6).ceil() as i64, (hi / step + 1e-6).floor() as i64);
        let size = lo.abs().max(hi.abs());
        let ticks = (first..=last).map(|i| i as f64 * step).map(|v| (v, label(v, step, size))).collect();
        Self { lo, hi, ticks }
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

/// `v` with just the digits that `step` needs; powers of ten where plain digits would be long.
fn label(v: f64, step: f64, size: f64) -> String {
    let last_digit = (step.log10() + 1e-9).floor() as i32;
    if size < 1e5 && last_digit >= -5 {
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
    fn labels_carry_the_digits_of_their_step() {
        assert_eq!(labels(0.0, 0.5), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(labels(-4.0, 4.0), ["−4", "−2", "0", "2", "4"]);
        assert_eq!(labels(-1e-3, 1e-3), ["−0.0010", "−0.0005", "0.0000", "0.0005", "0.0010"]);
        assert_eq!(labels(0.0, 2.4e6), ["0", "0.5×10⁶", "1.0×10⁶", "1.5×10⁶", "2.0×10⁶"]);
        assert_eq!(labels(0.0, 3e-8), ["0", "0.5×10⁻⁸", "1.0×10⁻⁸", "1.5×10⁻⁸", "2.0×10⁻⁸", "2.5×10⁻⁸", "3.0×10⁻⁸"]);
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
