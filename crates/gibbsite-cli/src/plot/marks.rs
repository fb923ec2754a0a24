//! What lies over a map: draws and data as dots, chains as lines.

use super::axis::count;
use super::colour::{Colour, INK, ON_MAP, WALKS, WHITE};
use super::landscape_2d::Plane;
use super::legend::Key;
use super::panel::Panel;
use super::scene::{Scene, Shape, Stroke};

/// Points of each walk that are drawn, from its start.
const MOST_STEPS: usize = 2000;
/// Dots that are drawn of draws and of data; of more, evenly spaced rows.
const MOST_DOTS: usize = 4000;

/// How dots of a set look: many are small and clear, so that the map is seen through them and their density shows.
struct Look {
    radius: f64,
    fill: Colour,
    edge: Option<Stroke>,
}

fn look_of_draws(n: usize) -> Look {
    let alpha = (255.0 * (150.0 / n.max(1) as f64).sqrt()).clamp(70.0, 210.0);
    Look { radius: 2.2, fill: ON_MAP.alpha(alpha as u8), edge: None }
}

fn look_of_data(n: usize) -> Look {
    let (radius, width) = if n > 1000 { (2.0, 0.6) } else { (2.8, 0.9) };
    Look { radius, fill: WHITE.alpha(225), edge: Some(Stroke::solid(INK, width)) }
}

/// The entries of the legend, for what there is.
pub fn entries(what: &Plane, window: [(f64, f64); 2]) -> Vec<(Key, String)> {
    let mut entries = Vec::new();
    if !what.draws.is_empty() {
        let fill = ON_MAP.alpha(230);
        let key = Key::Dot(4.0, fill, Stroke::solid(fill, 0.5));
        entries.push((key, format!("draws ({})", number(what.draws, window))));
    }
    if !what.data.is_empty() {
        let Look { fill, edge, .. } = look_of_data(what.data.len());
        let key = Key::Dot(3.6, fill, edge.unwrap_or(Stroke::solid(INK, 0.9)));
        entries.push((key, format!("data ({})", number(what.data, window))));
    }
    if !what.walks.is_empty() {
        let longest = what.walks.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1).min(MOST_STEPS);
        let (plural, each) = if what.walks.len() == 1 { ("", "") } else { ("s", " each") };
        let words = format!("{} chain{plural}, {} steps{each}", count(what.walks.len()), count(longest));
        entries.push((Key::Line(Stroke::solid(WALKS[0], 2.4)), words));
        entries.push((Key::Dot(4.5, WHITE, Stroke::solid(WALKS[0], 2.4)), "start".to_owned()));
        entries.push((Key::Dot(4.5, WALKS[0], Stroke::solid(WALKS[0], 1.2)), "end".to_owned()));
    }
    entries
}

/// "n = 64,000, 4,000 shown, 12 outside the window".
fn number(points: &[[f64; 2]], window: [(f64, f64); 2]) -> String {
    let inside = |p: &&[f64; 2]| (0..2).all(|j| (window[j].0..=window[j].1).contains(&p[j]));
    let n = points.len();
    let outside = n - points.iter().filter(inside).count();
    let shown = n.div_ceil(stride(n));
    let mut words = format!("n = {}", count(n));
    if shown < n {
        words.push_str(&format!(", {} shown", count(shown)));
    }
    if outside > 0 {
        words.push_str(&format!(", {} outside the window", count(outside)));
    }
    words
}

fn stride(n: usize) -> usize {
    n.div_ceil(MOST_DOTS).max(1)
}

/// Draws, then data, then walks.
pub fn draw(scene: &mut Scene, panel: &Panel, what: &Plane) {
    for (points, look) in [(what.draws, look_of_draws as fn(usize) -> Look), (what.data, look_of_data)] {
        let stride = stride(points.len());
        let centres = panel.visible(points.iter().step_by(stride).copied());
        if !centres.is_empty() {
            let Look { radius, fill, edge } = look(points.len().div_ceil(stride));
            scene.push(Shape::Dots { centres, radius, fill, stroke: edge });
        }
    }
    walk_over(scene, panel, what.walks);
}

/// Thin lines, then a ring where each begins and a dot where it ends.
fn walk_over(scene: &mut Scene, panel: &Panel, walks: &[Vec<[f64; 2]>]) {
    let first = |walk: &Vec<[f64; 2]>| walk.iter().take(MOST_STEPS + 1).copied().collect::<Vec<_>>();
    for (k, walk) in walks.iter().enumerate() {
        panel.line(scene, first(walk), Stroke::solid(WALKS[k % WALKS.len()].alpha(170), 1.2));
    }
    for (k, walk) in walks.iter().enumerate() {
        let walk = first(walk);
        let colour = WALKS[k % WALKS.len()];
        let marks =
            [(walk.first(), WHITE, Stroke::solid(colour, 2.4)), (walk.last(), colour, Stroke::solid(WHITE, 1.2))];
        for (point, fill, stroke) in marks {
            let centres = panel.visible(point.copied());
            scene.push(Shape::Dots { centres, radius: 4.5, fill, stroke: Some(stroke) });
        }
    }
}
