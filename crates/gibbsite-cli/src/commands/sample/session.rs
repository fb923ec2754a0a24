//! The grid as a run in pieces: its draws are independent, so that all there is to keep is how many there are.

use gibbsite::energy::Energy;
use gibbsite::energy::formula::Formula;
use gibbsite::kernel::grid::Grid;
use gibbsite::logz::LogZError;
use gibbsite::points::Points;
use gibbsite::rng::{Run, Streams};
use gibbsite::run::saved::{Saved, SavedError};
use gibbsite::run::{Draws, Event, Phase, Progress, Session};
use rayon::prelude::*;

/// Draws computed together, on one thread.
const BLOCK: usize = 1024;

/// Blocks after which the progress is told.
const ROUND: usize = 16;

/// Draws that have streams of their own at one step of the streams.
const STREAMS: usize = 1 << 32;

/// One long chain of exact draws: draw i is the same whatever the pieces, and chains are cut out of it.
pub struct GridSession<'a> {
    grid: &'a Grid<'a, Formula>,
    formula: &'a Formula,
    streams: Streams,
    n_done: usize,
}

impl<'a> GridSession<'a> {
    /// No draws yet.
    pub fn new(grid: &'a Grid<'a, Formula>, formula: &'a Formula, seed: u64) -> Self {
        Self { grid, formula, streams: Streams::new(seed, Run::Draws), n_done: 0 }
    }

    /// Goes on after the draws of a saved session, if there is one.
    ///
    /// # Errors
    /// A saved session that does not say how many there are.
    pub fn go_on(&mut self, saved: Option<&Saved>) -> Result<(), SavedError> {
        if let Some(saved) = saved {
            self.n_done = saved.integers::<1>("n_done")?[0] as usize;
        }
        Ok(())
    }

    /// Draws `first .. first + n`, which lie within one step of the streams.
    fn block(&self, first: usize, n: usize) -> Result<Points, LogZError> {
        let mut streams = self.streams.clone();
        streams.seek((first / STREAMS) as u64);
        self.grid.block(first % STREAMS, n, &streams)
    }

    /// First draw and length of the blocks of draws `first .. end`.
    fn blocks(first: usize, end: usize) -> Vec<(usize, usize)> {
        let mut blocks = Vec::new();
        let mut at = first;
        while at < end {
            let n = BLOCK.min(end - at).min(STREAMS - at % STREAMS);
            blocks.push((at, n));
            at += n;
        }
        blocks
    }
}

impl Session for GridSession<'_> {
    type Error = LogZError;

    fn n_done(&self) -> usize {
        self.n_done
    }

    fn draw(&mut self, n: usize, progress: Progress<'_>) -> Result<Draws, LogZError> {
        let dim = self.formula.space().dim();
        let total = (self.n_done + n) as u64;
        let mut values = Vec::with_capacity(n * dim);
        let mut energy = vec![0.0; n];
        // A few blocks at a time, so that the bar moves.
        for some in Self::blocks(self.n_done, self.n_done + n).chunks(ROUND) {
            let blocks: Result<Vec<Points>, _> = match some {
                [(first, n)] => self.block(*first, *n).map(|b| vec![b]),
                many => many.par_iter().map(|(first, n)| self.block(*first, *n)).collect(),
            };
            for block in blocks? {
                let done = values.len() / dim;
                self.formula.energy(&block, &mut energy[done..done + block.n()]);
                (0..block.n()).for_each(|i| values.extend((0..dim).map(|j| block.real.get(i, j))));
            }
            let done = (self.n_done + values.len() / dim) as u64;
            progress(Event::Progress { phase: Phase::Draws, done, total });
        }
        self.n_done += n;
        Ok(Draws::from_parts(1, n, dim, values, energy))
    }

    fn save(&self) -> Saved {
        let mut saved = Saved::default();
        saved.put_integers("n_done", &[self.n_done as u64]);
        saved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_to_the_bit() {
        for text in ["x^4 - 2*x^2", "x^4 + y^2 + x*y"] {
            let formula = Formula::parse(text).unwrap();
            let grid = Grid::new(&formula).unwrap();
            let whole = GridSession::new(&grid, &formula, 5).draw(3000, &|_| {}).unwrap();
            let (mut values, mut energy) = (Vec::new(), Vec::new());
            let mut saved = None;
            for n in [1, 1023, 700, 1276] {
                let mut session = GridSession::new(&grid, &formula, 5);
                session.go_on(saved.as_ref()).unwrap();
                let piece = session.draw(n, &|_| {}).unwrap();
                values.extend_from_slice(piece.values());
                energy.extend_from_slice(piece.energy());
                saved = Some(session.save());
            }
            assert_eq!((values.as_slice(), energy.as_slice()), (whole.values(), whole.energy()));
        }
    }

    /// Where the number of a chain of the streams ends, another step begins: no draw is used twice.
    #[test]
    fn blocks_end_where_the_streams_do() {
        let first = STREAMS - 1500;
        assert_eq!(
            GridSession::blocks(first, first + 3000),
            [(first, 1024), (first + 1024, 476), (STREAMS, 1024), (STREAMS + 1024, 476)]
        );
        let formula = Formula::parse("x^2").unwrap();
        let grid = Grid::new(&formula).unwrap();
        let session = GridSession::new(&grid, &formula, 5);
        let at = |first: usize| session.block(first, 3).unwrap().real.row(0)[0];
        assert_ne!(at(0), at(STREAMS));
    }
}
