//! Traces of many chains: how all of them lie at each time, with three of them over it.

use super::clip;
use super::colour::{CHAINS, Colour, DRAWS};
use super::panel::Panel;
use super::range::drawable;
use super::scene::{Scene, Shape};

/// Least size of a cell of the map in pixels, across and up.
const CELL: [usize; 2] = [6, 5];

/// Colours of the chains of least, middle and largest mean.
pub const THREE: [Colour; 3] = [CHAINS[0], CHAINS[2], CHAINS[7]];

/// Colour of the map where the draws are densest.
pub const DENSEST: Colour = DRAWS.alpha(190);

/// The chains of least, middle and largest mean: where chains stay apart, the outer two show it. A chain without a mean
/// comes last.
pub fn three(chains: &[Vec<f64>]) -> Vec<usize> {
    let mean = |c: &[f64]| c.iter().sum::<f64>() / c.len() as f64;
    let mut order: Vec<(f64, usize)> = chains.iter().enumerate().map(|(i, c)| (mean(c), i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    match order.len() {
        0 => Vec::new(),
        n => [0, n / 2, n - 1].map(|k| order[k].1).to_vec(),
    }
}

/// Draws the share of the draws of each time that lie at each height, as a map of cells whose darkness is the square root
/// of the share, so that a single chain away from the others is seen.
pub fn map(scene: &mut Scene, panel: &Panel, chains: &[Vec<f64>]) {
    let [left, top, width, height] = panel.area.map(|v| v.round() as usize);
    let n_draws = chains.iter().map(Vec::len).max().unwrap_or(0);
    let (n_across, n_up) = ((width / CELL[0]).min(n_draws).max(1), (height / CELL[1]).max(1));
    let mut cells = vec![0u32; n_across * n_up];
    let mut totals = vec![0u32; n_across];
    for chain in chains {
        for (t, v) in chain.iter().enumerate().filter(|(_, v)| drawable(**v)) {
            let at = panel.at(panel.x.lo, *v);
            if !clip::inside(at, panel.area) {
                continue;
            }
            let (i, j) = (t * n_across / n_draws, ((at[1] - panel.area[1]) / panel.area[3] * n_up as f64) as usize);
            cells[j.min(n_up - 1) * n_across + i] += 1;
            totals[i] += 1;
        }
    }
    let share = |i: usize, j: usize| f64::from(cells[j * n_across + i]) / f64::from(totals[i].max(1));
    let mut shares: Vec<f64> =
        (0..cells.len()).map(|k| share(k % n_across, k / n_across)).filter(|s| *s > 0.0).collect();
    shares.sort_by(f64::total_cmp);
    // A few cells hold all draws of a time where the chains start from one point; the rest would be pale beside them.
    let Some(&full) = shares.get(shares.len() * 99 / 100) else { return };
    let mut rgba = Vec::with_capacity(4 * width * height);
    for y in 0..height {
        for x in 0..width {
            let s = share(x * n_across / width, y * n_up / height);
            let alpha = f64::from(DENSEST.3) * (s / full).min(1.0).sqrt();
            rgba.extend([DENSEST.0, DENSEST.1, DENSEST.2, alpha.round() as u8]);
        }
    }
    scene.push(Shape::Image { at: [left as u32, top as u32], width: width as u32, height: height as u32, rgba });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::axis::Axis;

    #[test]
    fn the_outer_chains_are_those_of_extreme_means() {
        let chains: Vec<Vec<f64>> = [3.0, -1.0, 0.5, 9.0, 0.4].iter().map(|m| vec![m - 1.0, m + 1.0]).collect();
        assert_eq!(three(&chains), [1, 2, 3]);
        assert_eq!(three(&chains[..1]), [0, 0, 0]);
        assert!(three(&[]).is_empty());
    }

    #[test]
    fn the_map_is_dark_where_draws_are() {
        let panel = Panel {
            area: [10.0, 20.0, 60.0, 50.0],
            x: Axis::horizontal((0.0, 9.0), 60.0),
            y: Axis::vertical((0.0, 10.0), 50.0),
        };
        let mut scene = Scene::new(100, 100);
        // Twenty chains at 9.5 for all times; one at 0.5 in the later half; values outside leave no mark.
        let mut chains = vec![vec![9.5; 10]; 20];
        chains.push((0..10).map(|t| if t < 5 { f64::NAN } else { 0.5 }).collect());
        chains.push(vec![1e9; 10]);
        map(&mut scene, &panel, &chains);
        let [Shape::Image { at, width, height, rgba }] = scene.shapes.as_slice() else { panic!("no map") };
        assert_eq!((*at, *width, *height, rgba.len()), ([10, 20], 60, 50, 4 * 60 * 50));
        let alpha = |x: usize, y: usize| rgba[4 * (y * 60 + x) + 3];
        assert_eq!((alpha(5, 2), alpha(50, 2), alpha(5, 47), alpha(30, 25)), (190, 185, 0, 0));
        assert!((20..60).contains(&alpha(50, 47)), "{}", alpha(50, 47));
        map(&mut scene, &panel, &[vec![f64::NAN; 3]]);
        map(&mut scene, &panel, &[vec![]]);
        assert_eq!(scene.shapes.len(), 1);
    }
}
