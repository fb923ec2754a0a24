//! Two energies that fall apart into the same few coordinates: sums of means over blocks that quadrature can do.

use super::{CompareError, Estimate, Infinite, Means};
use crate::energy::{Differentiable, Energy, Part};
use crate::logz::auto::MAX_EXACT_DIM;
use crate::logz::{Options, quadrature};
use crate::points::{Points, Space};
use crate::scratch;

/// The parts of one energy on the coordinates of a block.
struct Block {
    space: Space,
    /// Where the coordinates of each part are in the block.
    parts: Vec<(Vec<usize>, Box<dyn Differentiable>)>,
}

impl Block {
    /// The parts among `parts` that lie in `coordinates` of `space`.
    fn take(parts: &mut Vec<Part>, coordinates: &[usize], space: &Space) -> Self {
        let of_block = |part: &mut Part| part.coordinates.iter().all(|j| coordinates.contains(j));
        let place = |j: &usize| coordinates.iter().position(|k| k == j);
        let mine = parts.extract_if(.., of_block);
        let parts = mine.map(|part| (part.coordinates.iter().filter_map(place).collect(), part.energy)).collect();
        let space = Space {
            reals: coordinates.iter().map(|&j| space.reals[j]).collect(),
            labels: Vec::new(),
            names: coordinates.iter().map(|&j| space.names[j].clone()).collect(),
        };
        Self { space, parts }
    }
}

impl Energy for Block {
    fn space(&self) -> &Space {
        &self.space
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        for (places, energy) in &self.parts {
            let columns: Vec<f64> = places.iter().flat_map(|&j| x.real.col(j)).copied().collect();
            let part = Points::from_real(crate::points::Matrix::from_columns(x.n(), places.len(), columns));
            scratch::with(x.n(), |e| {
                energy.energy(&part, e);
                out.iter_mut().zip(e.iter()).for_each(|(sum, e)| *sum += e);
            });
        }
    }

    fn landmarks(&self) -> Vec<f64> {
        self.parts.iter().flat_map(|(_, energy)| energy.landmarks()).collect()
    }
}

/// The coordinates that hang together in either energy, in order.
pub(super) fn blocks(dim: usize, parts: [&[Part]; 2]) -> Vec<Vec<usize>> {
    let mut block_of: Vec<usize> = (0..dim).collect();
    for part in parts.into_iter().flatten() {
        let Some(into) = part.coordinates.iter().map(|&j| block_of[j]).min() else { continue };
        let joined: Vec<usize> = part.coordinates.iter().map(|&j| block_of[j]).collect();
        block_of.iter_mut().filter(|b| joined.contains(b)).for_each(|b| *b = into);
    }
    let members = |b: usize| (0..dim).filter(|&j| block_of[j] == b).collect::<Vec<_>>();
    (0..dim).map(members).filter(|block| !block.is_empty()).collect()
}

/// Means over blocks of at most three coordinates; `None` where a block is larger or quadrature fails on one.
pub fn means<A, B>(own: &A, other: &B) -> Result<Option<Means>, CompareError>
where
    A: Energy + ?Sized,
    B: Energy + ?Sized,
{
    let dim = own.space().dim();
    let (mut mine, mut theirs) = (own.parts(), other.parts());
    if mine.is_empty() || theirs.is_empty() {
        return if dim <= MAX_EXACT_DIM { of_block(own, other) } else { Ok(None) };
    }
    let blocks = blocks(dim, [&mine, &theirs]);
    if blocks.iter().any(|block| block.len() > MAX_EXACT_DIM) {
        return Ok(None);
    }
    let mut total: Option<Means> = None;
    for coordinates in &blocks {
        let a = Block::take(&mut mine, coordinates, own.space());
        let b = Block::take(&mut theirs, coordinates, other.space());
        let Some(means) = of_block(&a, &b).map_err(|e| of_whole(e, coordinates, dim))? else { return Ok(None) };
        let means = Means { infinite: means.infinite.map(|why| why.at(coordinates)), ..means };
        total = Some(match total {
            None => means,
            Some(sum) => add(sum, means),
        });
    }
    Ok(total)
}

fn of_block<A, B>(own: &A, other: &B) -> Result<Option<Means>, CompareError>
where
    A: Energy + ?Sized,
    B: Energy + ?Sized,
{
    match quadrature(own, &Options::default()) {
        Ok(nodes) => Means::by_quadrature(own, other, &nodes).map(Some),
        Err(_) => Ok(None),
    }
}

/// Numerical errors of sums add up.
fn add(a: Means, b: Means) -> Means {
    let sum = |a: Estimate, b: Estimate| Estimate { value: a.value + b.value, std_err: a.std_err + b.std_err };
    let infinite = match (a.infinite, b.infinite) {
        (Some(Infinite::Outside { probability: p }), Some(Infinite::Outside { probability: q })) => {
            Some(Infinite::Outside { probability: p + q - p * q })
        }
        (Some(Infinite::Outside { probability }), _) | (_, Some(Infinite::Outside { probability })) => {
            Some(Infinite::Outside { probability })
        }
        (a, b) => a.or(b),
    };
    Means {
        energy: sum(a.energy, b.energy),
        excess: sum(a.excess, b.excess),
        infinite,
        exact: a.exact && b.exact,
        trusted: a.trusted && b.trusted,
        findings: a.findings,
    }
}

impl Infinite {
    /// The same of the whole, whose coordinates these are.
    fn at(self, coordinates: &[usize]) -> Self {
        match self {
            Infinite::Beyond { axis } => Infinite::Beyond { axis: coordinates[axis] },
            other => other,
        }
    }
}

/// The same error of the whole: what it says holds whatever the other coordinates are, here 0.
fn of_whole(error: CompareError, coordinates: &[usize], dim: usize) -> CompareError {
    let whole = |point: Vec<f64>| {
        let mut x = vec![0.0; dim];
        coordinates.iter().zip(point).for_each(|(&j, v)| x[j] = v);
        x
    };
    match error {
        CompareError::Undefined { point } => CompareError::Undefined { point: whole(point) },
        CompareError::Unbounded { point } => CompareError::Unbounded { point: whole(point) },
    }
}
