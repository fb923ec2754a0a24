//! The distribution of energies against that of their changes from draw to draw: where the changes are much narrower, the
//! chains creep through the energies (Betancourt, 2016; Gabry et al., "Visualization in Bayesian workflow", 2019, section 5).

use std::path::Path;

use super::axis::{Axis, count, short};
use super::colour::{DRAWS, MODEL};
use super::error::PlotError;
use super::file::save;
use super::histogram::Histogram;
use super::legend::{Key, Legend};
use super::panel::{Panel, left_margin, subtitle, title};
use super::range::{drawable, drawable_only, padded};
use super::scene::{Scene, Stroke};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 720;
const RIGHT: f64 = 1164.0;
const TOP: f64 = 140.0;
const TALL: f64 = 490.0;
/// Share of the values left out at each end of the picture, so that a rare excursion does not squeeze the rest.
const CUT: f64 = 0.001;

/// Draws the energies of `chains[c][t]` less their mean (bars), and their changes from one draw of a chain to the next (step
/// line), as densities into `path` (`.svg` or `.png`). Changes of 0, of rejected moves, are told and not drawn. `ratios` are the mean squared change over the variance, by chain.
/// Energies that are not finite are left out, and the legend says how many.
///
/// # Errors
/// Those of writing.
pub fn energy_transitions(path: &Path, name: &str, chains: &[Vec<f64>], ratios: &[f64]) -> Result<(), PlotError> {
    save(path, || Ok(layout(name, chains, ratios)))
}

fn layout(name: &str, chains: &[Vec<f64>], ratios: &[f64]) -> Scene {
    let all = chains.concat();
    let energies = drawable_only(&all);
    let mean = energies.iter().sum::<f64>() / energies.len().max(1) as f64;
    let centred: Vec<f64> = energies.iter().map(|e| e - mean).collect();
    let pairs = chains.iter().flat_map(|c| c.windows(2)).filter(|w| drawable(w[0]) && drawable(w[1]));
    let changes: Vec<f64> = pairs.map(|w| w[1] - w[0]).collect();
    let moved: Vec<f64> = changes.iter().copied().filter(|c| *c != 0.0).collect();
    let range = bulk(&[&centred, &moved]);
    let across = padded(range.unwrap_or((-1.0, 1.0)), 0.04, 0.04);
    let mut bars = [&centred, &moved].map(|values| Histogram::new(values, across));
    // Of rejected moves the energy stays the same: an atom at 0 that no density shows. The rest has its own share.
    let share_moved = moved.len() as f64 / changes.len().max(1) as f64;
    if let Some(bars) = &mut bars[1] {
        bars.heights.iter_mut().for_each(|h| *h *= share_moved);
    }
    // Narrow changes would flatten the energies: they are cut off where they are ten times as high.
    let heights = [0, 1].map(|i| bars[i].as_ref().map_or(0.0, Histogram::top));
    let most = if heights[0] > 0.0 { 10.0 * heights[0] } else { f64::INFINITY };
    let peak = heights[1].min(most).max(heights[0]);
    let up = Axis::vertical((0.0, if peak > 0.0 { 1.08 * peak } else { 1.0 }), TALL);
    let left = left_margin(&[&up]);
    let width = RIGHT - left;
    let panel = Panel { area: [left, TOP, width, TALL], x: Axis::horizontal(across, width), y: up };

    let mut scene = Scene::new(WIDTH, HEIGHT);
    title(&mut scene, name, left, width);
    subtitle(&mut scene, &reading(ratios, &changes), left, width);
    panel.grid(&mut scene);
    let (fill, outline, step) = (DRAWS.alpha(80), Stroke::solid(DRAWS, 1.0), Stroke::solid(MODEL, 2.6));
    let mut entries = Vec::new();
    if let Some(bars) = &bars[0] {
        bars.bars(&mut scene, &panel, fill, outline);
        let lost = all.len() - energies.len();
        let lost = if lost > 0 { format!(", {} not finite", count(lost)) } else { String::new() };
        let (mean, sd) = (short(mean), short(root_mean_square(&centred)));
        let words = format!("energies of draws: mean {mean}, sd {sd}, n = {}{lost}", count(energies.len()));
        entries.push((Key::Bar(fill, outline), words));
    }
    if let Some(bars) = &bars[1] {
        bars.steps(&mut scene, &panel, step);
        let still = (100.0 * (1.0 - share_moved)).round();
        let still = if still > 0.0 { format!(", {still} % are 0, not drawn") } else { String::new() };
        let cut = if heights[1] > most { ", cut off" } else { "" };
        let words = format!("changes from draw to draw: rms {}{still}{cut}", short(root_mean_square(&changes)));
        entries.push((Key::Line(step), words));
    }
    if range.is_none() {
        panel.remark(&mut scene, "no finite energies");
    }
    panel.frame(&mut scene, Some("Energy E less its mean, and change of E"), "Density");
    Legend::new(entries, width).draw(&mut scene, RIGHT, TOP - 18.0);
    scene
}

/// What the ratios say; where they say nothing, why not.
fn reading(ratios: &[f64], changes: &[f64]) -> String {
    let mut known: Vec<f64> = ratios.iter().copied().filter(|r| r.is_finite()).collect();
    known.sort_by(f64::total_cmp);
    let (Some(lo), Some(hi)) = (known.first(), known.last()) else {
        return match changes {
            [] => "One draw of each chain: nothing is known of the changes from draw to draw",
            all if all.iter().all(|c| *c == 0.0) => "No energy ever changes: the chains stand still",
            _ => "Mean squared change over variance is not known: too few draws, or energies that are not finite",
        }
        .to_owned();
    };
    let range = if known.len() == 1 { short(*lo) } else { format!("{} to {}, by chain", short(*lo), short(*hi)) };
    format!(
        "Mean squared change over variance: {range}; 2 if draws are independent, near 0 if the chains creep through energies"
    )
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// The least interval that holds all but a thousandth of each set at each end.
fn bulk(sets: &[&[f64]]) -> Option<(f64, f64)> {
    let ends = |values: &&[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let cut = (CUT * last as f64).floor() as usize;
        Some((sorted[cut], sorted[last - cut]))
    };
    sets.iter().filter_map(ends).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_excursion_is_outside_and_few_values_are_all_inside() {
        let mut many: Vec<f64> = (0..4000).map(|i| f64::from(i % 10)).collect();
        many[7] = 1e6;
        assert_eq!(bulk(&[&many, &[-3.0, 12.0]]), Some((-3.0, 12.0)));
        assert_eq!(bulk(&[&[], &[]]), None);
    }

    #[test]
    fn the_reading_names_the_range_over_chains() {
        assert!(
            reading(&[0.5, f64::NAN, 0.25], &[1.0]).contains("variance: 0.250 to 0.500, by chain"),
            "{}",
            reading(&[0.5, 0.25], &[1.0])
        );
        assert!(reading(&[2.0], &[1.0]).contains("variance: 2.00;"));
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        assert!(reading(&[f64::NAN], &[]).contains("One draw of each chain"));
        assert!(reading(&[f64::NAN], &[0.0, 0.0]).contains("stand still"));
        assert!(reading(&[f64::NAN], &[0.0, 1.0]).contains("not known"));
    }
}
