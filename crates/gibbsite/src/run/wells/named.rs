//! Starts that the energy names: the bottoms of its components, and places made of its landmarks.

use crate::energy::Differentiable;
use crate::minimize::{Basin, basins_from};
use crate::points::{Matrix, Points};
use crate::rng::{Purpose, Run, Streams};

/// Descents on every component, from boxes of these half-widths about the origin: most components have one well.
const WIDTHS: [f64; 4] = [0.0, 2.0, 18.0, 162.0];

/// Steps of each.
const MAX_STEPS: usize = 300;

/// Places at the most.
const MAX_PLACES: usize = 1024;

/// Places at the most where they do not fill a grid.
const MAX_SPARSE: usize = 256;

/// The wells of every component of the energy, in the order of the components.
pub(crate) fn component_wells<E: Differentiable + ?Sized>(energy: &E) -> Vec<Vec<Basin>> {
    let dim = energy.space().dim();
    let mut rng = Streams::new(0, Run::Probe);
    let u = rng.uniforms(Purpose::Init, WIDTHS.len(), dim);
    let starts = Points::from_real(Matrix::from_fn(WIDTHS.len(), dim, |i, j| WIDTHS[i] * (2.0 * u.col(j)[i] - 1.0)));
    energy.components().iter().map(|component| basins_from(component, &starts, MAX_STEPS)).collect()
}

/// Places where descents should start, one a row; none where the energy names nothing.
pub(crate) fn places<E: Differentiable + ?Sized>(energy: &E) -> Option<Points> {
    let dim = energy.space().dim();
    let bottoms = component_wells(energy).into_iter().flatten().map(|b| b.x);
    let rows: Vec<Vec<f64>> = bottoms.chain(of_landmarks(&energy.landmarks(), dim)).collect();
    (!rows.is_empty()).then(|| Points::from_rows(&rows))
}

/// All points whose coordinates are among the first landmarks or zero, as many as there is room for; where the dimension leaves
/// room for less than two landmarks, the points with one landmark everywhere, then those with one in one coordinate.
fn of_landmarks(landmarks: &[f64], dim: usize) -> Vec<Vec<f64>> {
    let mut values = vec![0.0];
    for v in landmarks {
        let n = (values.len() + 1).checked_pow(dim as u32).unwrap_or(usize::MAX);
        if n <= MAX_PLACES && !values.contains(v) {
            values.push(*v);
        }
    }
    let n = values.len();
    if n > 2 || n > landmarks.len() {
        let at = |i: usize, j: usize| values[i / n.pow(j as u32) % n];
        return (1..n.pow(dim as u32)).map(|i| (0..dim).map(|j| at(i, j)).collect()).collect();
    }
    let everywhere = landmarks.iter().map(|v| vec![*v; dim]);
    let alone =
        landmarks.iter().flat_map(|v| (0..dim).map(move |j| (0..dim).map(|k| if k == j { *v } else { 0.0 }).collect()));
    everywhere.chain(alone).take(MAX_SPARSE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::formula::{Formula, FormulaOptions};

    #[test]
    fn landmarks_fill_a_grid_or_lie_on_the_axes() {
        assert_eq!(of_landmarks(&[], 3), Vec::<Vec<f64>>::new());
        let grid = of_landmarks(&[3.0, -3.0], 2);
        assert_eq!(grid.len(), 8);
        assert!(grid.contains(&vec![3.0, -3.0]) && !grid.contains(&vec![0.0, 0.0]));
        let sparse = of_landmarks(&[3.0, -3.0, 7.0], 20);
        assert_eq!(sparse.len(), 3 + 60);
        assert!(sparse.contains(&vec![7.0; 20]) && sparse[3][0] == 3.0 && sparse[3][1] == 0.0);
        assert_eq!(of_landmarks(&[3.0, -3.0, 7.0], 1000).len(), MAX_SPARSE);
    }

    #[test]
    fn components_have_their_wells_and_widths() {
        let text = "-logsumexp(12.9382 - sum(i,1..d,(x[i]-3.3)^2)/0.0018, -4.594692666 - sum(i,1..d,x[i]^2)/2)";
        let energy =
            Formula::with_options(text, &FormulaOptions { dim: Some(5), ..FormulaOptions::default() }).unwrap();
        let wells = component_wells(&energy);
        assert_eq!(wells.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        for (well, (at, width)) in wells.iter().flatten().zip([(3.3, 0.03), (0.0, 1.0)]) {
            assert!((0..5).all(|j| (well.x[j] - at).abs() < 1e-3 * width), "{well:?}");
            assert!(well.widths.iter().all(|w| (w.unwrap() / width - 1.0).abs() < 1e-3), "{well:?}");
        }
        let places = places(&energy).unwrap();
        assert!((places.real.row(0)[0] - 3.3).abs() < 1e-4);
    }
}
