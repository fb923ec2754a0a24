//! In which order sites are summed out, and how large the tables become.

use std::collections::BTreeSet;

use super::{EliminationError, Factors};

/// An order of elimination.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    steps: Vec<Step>,
}

/// A site to be summed out, and the sites that it leaves a table of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub site: usize,
    /// In increasing order.
    pub scope: Vec<usize>,
    /// Entries of that table.
    pub entries: f64,
}

impl Order {
    /// The cheapest of three orders, by the entries of all tables: the least fill first (the site whose neighbours lack
    /// the fewest couplings among themselves, of those whose table fits; Kjaerulff 1990, "Triangulation of graphs");
    /// neighbours after neighbours from a far end on (Cuthill and McKee 1969); and as the sites stand. The last two
    /// suit lattices.
    ///
    /// # Errors
    /// [`EliminationError::TooWide`] where all need a table of more than `max_entries` entries.
    pub fn new(factors: &Factors, max_entries: usize) -> Result<Self, EliminationError> {
        let graph = Graph::new(factors, max_entries as f64);
        let (neighbourhoods, as_they_stand) = (graph.by_neighbourhoods(), 0..factors.arity().len());
        let mut best = graph.clone().least_fill();
        for order in [graph.clone().in_order(neighbourhoods), graph.in_order(as_they_stand)] {
            let better = match (&best, &order) {
                (Ok(best), Ok(order)) => order.total_entries() < best.total_entries(),
                (Err(_), Ok(_)) => true,
                (_, Err(_)) => false,
            };
            best = if better { order } else { best };
        }
        best
    }

    /// The induced width: sites of the largest table.
    pub fn width(&self) -> usize {
        self.steps.iter().map(|s| s.scope.len()).max().unwrap_or(0)
    }

    /// Entries of the largest table.
    pub fn largest_table(&self) -> f64 {
        self.steps.iter().map(|s| s.entries).fold(0.0, f64::max)
    }

    /// Entries of all tables.
    pub fn total_entries(&self) -> f64 {
        self.steps.iter().map(|s| s.entries).sum()
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Which sites share a table.
#[derive(Clone)]
struct Graph<'a> {
    arity: &'a [usize],
    near: Vec<BTreeSet<usize>>,
    max_entries: f64,
}

/// What the next site is chosen by, the least first: the couplings that its neighbours lack, unless its table is too
/// large; its neighbours; itself.
type Key = (usize, usize, usize);

impl<'a> Graph<'a> {
    fn new(factors: &'a Factors, max_entries: f64) -> Self {
        let mut near = vec![BTreeSet::new(); factors.arity().len()];
        for factor in factors.all() {
            for a in &factor.sites {
                near[*a].extend(factor.sites.iter().filter(|b| *b != a));
            }
        }
        Self { arity: factors.arity(), near, max_entries }
    }

    fn least_fill(mut self) -> Result<Order, EliminationError> {
        let mut keys: Vec<Key> = (0..self.near.len()).map(|site| self.key(site)).collect();
        let mut queue: BTreeSet<Key> = keys.iter().copied().collect();
        let mut steps = Vec::with_capacity(keys.len());
        while let Some((.., site)) = queue.pop_first() {
            let step = self.eliminate(site)?;
            // What has changed: the neighbours, and those for whom two neighbours were coupled.
            let mut changed: BTreeSet<usize> = step.scope.iter().copied().collect();
            changed.extend(step.scope.iter().flat_map(|s| &self.near[*s]));
            for site in changed {
                queue.remove(&keys[site]);
                keys[site] = self.key(site);
                queue.insert(keys[site]);
            }
            steps.push(step);
        }
        Ok(Order { steps })
    }

    fn in_order(mut self, sites: impl IntoIterator<Item = usize>) -> Result<Order, EliminationError> {
        let steps: Result<_, _> = sites.into_iter().map(|site| self.eliminate(site)).collect();
        Ok(Order { steps: steps? })
    }

    /// All sites, those that are coupled one neighbourhood after the other, from a site that is far from others.
    fn by_neighbourhoods(&self) -> Vec<usize> {
        let mut seen = vec![false; self.near.len()];
        let mut order = Vec::with_capacity(seen.len());
        for site in 0..seen.len() {
            if !seen[site] {
                let there = self.outwards(site, &mut seen.clone());
                order.extend(self.outwards(there[there.len() - 1], &mut seen));
            }
        }
        order
    }

    /// The sites not seen that are coupled to one, the nearest first.
    fn outwards(&self, site: usize, seen: &mut [bool]) -> Vec<usize> {
        let mut order = vec![site];
        seen[site] = true;
        let mut at = 0;
        while at < order.len() {
            let mut next: Vec<usize> = self.near[order[at]].iter().copied().filter(|s| !seen[*s]).collect();
            next.sort_by_key(|s| self.near[*s].len());
            next.iter().for_each(|s| seen[*s] = true);
            order.extend(next);
            at += 1;
        }
        order
    }

    fn key(&self, site: usize) -> Key {
        let near = &self.near[site];
        if self.entries(site) > self.max_entries {
            return (usize::MAX, near.len(), site);
        }
        let lacking = |a: &usize| near.range(a + 1..).filter(|b| !self.near[*a].contains(b)).count();
        (near.iter().map(lacking).sum(), near.len(), site)
    }

    fn entries(&self, site: usize) -> f64 {
        self.near[site].iter().map(|s| self.arity[*s] as f64).product()
    }

    /// Takes a site away and couples its neighbours.
    fn eliminate(&mut self, site: usize) -> Result<Step, EliminationError> {
        let entries = self.entries(site);
        let scope: Vec<usize> = std::mem::take(&mut self.near[site]).into_iter().collect();
        if entries > self.max_entries {
            return Err(EliminationError::TooWide { width: scope.len(), entries, max_entries: self.max_entries });
        }
        for a in &scope {
            self.near[*a].remove(&site);
            self.near[*a].extend(scope.iter().filter(|b| *b != a));
        }
        Ok(Step { site, scope, entries })
    }
}
