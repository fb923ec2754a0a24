//! Colours of lines and marks, and the colour map of energies.

/// Red, green, blue (sRGB) and alpha, each 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour(pub u8, pub u8, pub u8, pub u8);

impl Colour {
    /// The same colour with another alpha.
    pub const fn alpha(self, a: u8) -> Self {
        Self(self.0, self.1, self.2, a)
    }
}

/// Page.
pub const WHITE: Colour = Colour(255, 255, 255, 255);
/// Text and frames.
pub const INK: Colour = Colour(38, 44, 54, 255);
/// Second-rank text.
pub const GREY: Colour = Colour(104, 112, 124, 255);
/// Lines behind the data.
pub const GRID: Colour = Colour(230, 233, 238, 255);

/// Colours for lines and bars that readers with any colour vision tell apart (Okabe and Ito, Color Universal Design,
/// 2008); the model is blue, data orange, draws vermilion everywhere.
pub const MODEL: Colour = Colour(0, 114, 178, 255);
/// Data, as bars or dots.
pub const DATA: Colour = Colour(230, 159, 0, 255);
/// Data, as a thin line.
pub const DATA_DARK: Colour = Colour(176, 112, 0, 255);
/// Draws of a sampler.
pub const DRAWS: Colour = Colour(190, 60, 0, 255);

/// Draws over a map: lighter than on white, since the map is dark where they are.
pub const ON_MAP: Colour = Colour(255, 150, 40, 255);

/// Colours of chains in traces and rank plots, on white.
pub const CHAINS: [Colour; 8] = [
    Colour(0, 114, 178, 255),
    Colour(213, 94, 0, 255),
    Colour(0, 158, 115, 255),
    Colour(204, 121, 167, 255),
    Colour(120, 94, 60, 255),
    Colour(105, 190, 235, 255),
    Colour(170, 150, 20, 255),
    Colour(60, 66, 78, 255),
];

/// Colours of walks over a landscape: warm, since the map is cold.
pub const WALKS: [Colour; 5] = [
    Colour(255, 138, 30, 255),
    Colour(232, 30, 99, 255),
    Colour(255, 214, 64, 255),
    Colour(190, 70, 220, 255),
    Colour(255, 90, 70, 255),
];

/// Nine stops of the energy map as (lightness, chroma, hue in degrees) in Oklch: lightness rises by equal steps, so equal
/// differences of energy look equally large, also in grey print. Low energy is deep indigo, high energy pale.
const STOPS: [[f64; 3]; 9] = [
    [0.270, 0.085, 288.0],
    [0.354, 0.108, 278.0],
    [0.438, 0.118, 266.0],
    [0.522, 0.118, 253.0],
    [0.606, 0.110, 238.0],
    [0.690, 0.098, 220.0],
    [0.774, 0.083, 200.0],
    [0.858, 0.063, 184.0],
    [0.942, 0.036, 172.0],
];

/// Colour of `t` in \[0, 1\] (clamped) on the energy map.
pub fn energy_map(t: f64) -> Colour {
    let u = t.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let i = (u as usize).min(STOPS.len() - 2);
    let w = u - i as f64;
    let [l, c, h] = [0, 1, 2].map(|k| (1.0 - w) * STOPS[i][k] + w * STOPS[i + 1][k]);
    let [red, green, blue] = oklch_to_srgb(l, c, h);
    Colour(red, green, blue, 255)
}

/// Oklch to sRGB (Ottosson, "A perceptual color space for image processing", 2020), clipped to the gamut.
fn oklch_to_srgb(lightness: f64, chroma: f64, hue_degrees: f64) -> [u8; 3] {
    let (sin, cos) = hue_degrees.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.3963377774 * a + 0.2158037573 * b).powi(3);
    let m = (lightness - 0.1055613458 * a - 0.0638541728 * b).powi(3);
    let s = (lightness - 0.0894841775 * a - 1.2914855480 * b).powi(3);
    let linear = [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ];
    linear.map(|v| {
        let v = v.clamp(0.0, 1.0);
        let coded = if v <= 0.0031308 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
        (255.0 * coded).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE 1976 lightness of an sRGB colour: another measure than the one the map was made with.
    fn cie_lightness(c: Colour) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        116.0 * (0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2)).cbrt() - 16.0
    }

    #[test]
    fn lightness_rises_in_nearly_equal_steps() {
        let steps: Vec<f64> = (0..16)
            .map(|i| {
                cie_lightness(energy_map(f64::from(i + 1) / 16.0)) - cie_lightness(energy_map(f64::from(i) / 16.0))
            })
            .collect();
        let mean = steps.iter().sum::<f64>() / 16.0;
        assert!(steps.iter().all(|s| (s / mean - 1.0).abs() < 0.35), "{steps:?}");
    }

    #[test]
    fn oklch_agrees_with_known_colours() {
        assert_eq!(oklch_to_srgb(1.0, 0.0, 0.0), [255, 255, 255]);
        assert_eq!(oklch_to_srgb(0.0, 0.0, 0.0), [0, 0, 0]);
        assert_eq!(oklch_to_srgb(0.6279554, 0.2576833, 29.2338803), [255, 0, 0]);
        assert_eq!(energy_map(f64::NAN).3, 255); // no panic; callers leave such points blank
    }
}
