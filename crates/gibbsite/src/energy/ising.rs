//! The Ising model (Ising 1925): spins of -1 and 1 on a lattice, `E(s) = -beta (J sum_{<i,j>} s_i s_j + h sum_i s_i)`.

use super::Boltzmann;
use super::couplings::Edge;
use crate::points::Values;

/// Whether the ends of a lattice meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// They meet: a torus.
    Periodic,
    /// They do not.
    Open,
}

/// The couplings of weight `j` between nearest neighbours of a lattice with `sizes` sites along each axis, the last axis fastest.
///
/// A periodic axis of two sites couples them twice, which is one coupling of twice the weight; one of a single site couples
/// nothing.
pub fn lattice(sizes: &[usize], boundary: Boundary, j: f64) -> Vec<Edge> {
    let d: usize = sizes.iter().product();
    let mut edges = Vec::new();
    for site in 0..d {
        let mut stride = d;
        for &size in sizes {
            stride /= size;
            let at = site / stride % size;
            match boundary {
                Boundary::Periodic if size == 2 && at == 0 => edges.push((site, site + stride, 2.0 * j)),
                Boundary::Periodic if size > 2 && at + 1 == size => {
                    edges.push((site, site + stride - size * stride, j))
                }
                _ if at + 1 < size && (boundary == Boundary::Open || size > 2) => edges.push((site, site + stride, j)),
                _ => {}
            }
        }
    }
    edges
}

/// Spins on a lattice at inverse temperature `beta`, with coupling `j` and field `h`.
///
/// # Panics
/// For parameters that are not finite.
pub fn on_lattice(sizes: &[usize], boundary: Boundary, [beta, j, h]: [f64; 3]) -> Boltzmann {
    let d = sizes.iter().product();
    let edges = lattice(sizes, boundary, beta * j);
    Boltzmann::new(&Values::spins(), &edges, vec![beta * h; d]).expect("a lattice couples different sites, once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{Discrete, Energy};
    use crate::points::{Matrix, Points};

    #[test]
    fn lattices_couple_every_neighbour_once() {
        let n = |sizes: &[usize], boundary| lattice(sizes, boundary, 1.0).iter().map(|e| e.2).sum::<f64>();
        assert_eq!((n(&[4, 4], Boundary::Periodic), n(&[4, 4], Boundary::Open)), (32.0, 24.0));
        assert_eq!((n(&[3, 4, 5], Boundary::Periodic), n(&[5], Boundary::Open)), (180.0, 4.0));
        assert_eq!((n(&[2, 3], Boundary::Periodic), n(&[1, 3], Boundary::Periodic)), (12.0, 3.0));
        let even = on_lattice(&[4, 6], Boundary::Periodic, [0.4, 1.0, 0.0]);
        assert_eq!(even.blocks().iter().map(Vec::len).collect::<Vec<_>>(), [12, 12]);
        assert!(on_lattice(&[3, 3], Boundary::Periodic, [0.4, 1.0, 0.0]).blocks().len() >= 3);
    }

    #[test]
    fn the_ground_state_has_the_energy_of_all_couplings() {
        let energy = on_lattice(&[4, 4], Boundary::Periodic, [0.5, 1.0, 0.25]);
        let x = Points::from_labels(Matrix::from_fn(2, 16, |i, _| i as u8));
        let mut e = [0.0; 2];
        energy.energy(&x, &mut e);
        assert_eq!(e, [-0.5 * (32.0 - 4.0), -0.5 * (32.0 + 4.0)]);
    }
}
