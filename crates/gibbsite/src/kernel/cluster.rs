//! Cluster moves for labels that are coupled in pairs: whole domains turn at once, so that nothing slows down where they grow.
//!
//! A pair whose labels are worth more than the least a pair of its weight can be is bound together with probability
//! `1 - exp(least - log_pair)`; what hangs together turns together, `label -> label + t` modulo the number of values, which
//! changes no bound pair (Fortuin and Kasteleyn 1972). So it is for couplings of either sign and any field.

use super::gibbs::Labelled;
use super::{ChainState, Info, Kernel};
use crate::energy::Pairwise;
use crate::math::exp;
use crate::points::Points;
use crate::rng::{Purpose, Streams};

/// All clusters at once, each turned by t with probability in proportion to what the field says of it (Swendsen and Wang 1987).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SwendsenWang;

/// One cluster, grown from a random site, turned by a random t other than 0; a field accepts or rejects (Wolff 1989).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wolff;

untunable!(SwendsenWang);
untunable!(Wolff);

/// Chains with room for clusters.
#[derive(Clone, Debug)]
pub struct Clusters {
    chains: Labelled,
    /// Of Swendsen and Wang, chain after chain: the site that each site hangs on, in the end the first of its cluster; of Wolff: 1
    /// for the members of the cluster of one chain.
    parent: Vec<u32>,
    /// What the field says of each turn of each cluster of a chain, or the sites whose neighbours are still to be looked at.
    weight: Vec<f64>,
    front: Vec<u32>,
    uniforms: Vec<f64>,
    /// The chains, by number.
    all: Vec<u32>,
    /// How likely a pair is bound, by the difference of its labels.
    bonds: Vec<f64>,
}

impl ChainState for Clusters {
    fn x(&self) -> &Points {
        self.chains.x()
    }

    fn x_mut(&mut self) -> &mut Points {
        self.chains.x_mut()
    }

    fn energy(&self) -> &[f64] {
        self.chains.energy()
    }
}

impl Clusters {
    fn new(x: Points) -> Self {
        Self {
            parent: Vec::new(),
            weight: Vec::new(),
            front: Vec::new(),
            uniforms: vec![0.0; x.n()],
            all: (0..x.n() as u32).collect(),
            bonds: Vec::new(),
            chains: Labelled::new(x),
        }
    }

    fn evaluate<E: Pairwise + ?Sized>(&mut self, energy: &E) {
        energy.energy(&self.chains.x, &mut self.chains.energy);
        self.chains.version = energy.version();
    }
}

/// The largest label, the same of all sites.
fn last_label<E: Pairwise + ?Sized>(energy: &E) -> u8 {
    (energy.space().labels[0].arity() - 1) as u8
}

/// `label + t` modulo the number of values, `last` the largest of them.
fn turned(label: u8, t: u8, last: u8) -> u8 {
    ((u16::from(label) + u16::from(t)) % (u16::from(last) + 1)) as u8
}

/// The probability that a pair is bound, for each difference of its labels.
fn set_bonds<E: Pairwise + ?Sized>(energy: &E, weight: f64, last: u8, bonds: &mut Vec<f64>) {
    bonds.clear();
    bonds.extend((0..=last).map(|t| energy.log_pair(weight, 0, t)));
    let least = bonds.iter().copied().fold(f64::INFINITY, f64::min);
    bonds.iter_mut().for_each(|log_pair| *log_pair = -(least - *log_pair).exp_m1());
}

/// By how much `a` must be turned to be `b`.
fn difference(a: u8, b: u8, last: u8) -> usize {
    usize::from(if b >= a { b - a } else { last - a + b + 1 })
}

/// The site at whose head a cluster stands; the way there gets shorter.
fn head(parent: &mut [u32], mut site: u32) -> u32 {
    while parent[site as usize] != site {
        let up = parent[parent[site as usize] as usize];
        parent[site as usize] = up;
        site = up;
    }
    site
}

impl<E: Pairwise + ?Sized> Kernel<E> for SwendsenWang {
    type State = Clusters;

    fn init(&self, energy: &E, x: Points) -> Clusters {
        let mut state = Clusters::new(x);
        state.evaluate(energy);
        state
    }

    fn step(&self, energy: &E, state: &mut Clusters, rng: &mut Streams) -> Info {
        let (n, d) = (state.chains.x.n(), state.chains.x.label.n_cols());
        let Clusters { chains, parent, weight, uniforms, all, bonds, .. } = state;
        let (couplings, last) = (energy.couplings(), last_label(energy));
        let (label, n_values) = (&mut chains.x.label, usize::from(last) + 1);
        parent.clear();
        parent.extend((0..n).flat_map(|_| 0..d as u32));
        for (k, ((a, b), w)) in couplings.pairs().zip(couplings.weights()).enumerate() {
            set_bonds(energy, *w, last, bonds);
            rng.uniforms_of(Purpose::Choice, k as u32, all, uniforms);
            for (i, u) in uniforms.iter().enumerate() {
                if *u < bonds[difference(label.get(i, a), label.get(i, b), last)] {
                    let parent = &mut parent[i * d..][..d];
                    let (a, b) = (head(parent, a as u32), head(parent, b as u32));
                    parent[a.max(b) as usize] = a.min(b);
                }
            }
        }
        let turns = rng.uniforms(Purpose::Proposal, n, d);
        for (i, parent) in parent.chunks_mut(d).enumerate() {
            weight.clear();
            weight.resize(d * n_values, 0.0);
            for site in 0..d {
                let head = head(parent, site as u32) as usize;
                for t in 0..=last {
                    weight[head * n_values + usize::from(t)] +=
                        energy.log_site(site, turned(label.get(i, site), t, last));
                }
            }
            for site in 0..d {
                let head = head(parent, site as u32) as usize;
                if head == site {
                    // The turn takes the place of what it was chosen from.
                    let weight = &mut weight[head * n_values..][..n_values];
                    weight[0] = f64::from(turn(weight, turns.col(site)[i]));
                }
                let t = weight[head * n_values] as u8;
                label.set(i, site, turned(label.get(i, site), t, last));
            }
        }
        state.evaluate(energy);
        let n = n as u64;
        Info { n, sum_accept: (n as f64).into(), n_diverged: 0, n_evals: n, n_truncated: 0 }
    }

    fn refresh(&self, energy: &E, state: &mut Clusters) {
        state.evaluate(energy);
    }
}

/// A place in proportion to `exp(log_weight)`.
fn turn(log_weight: &[f64], u: f64) -> u8 {
    let top = log_weight.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = log_weight.iter().map(|w| exp(w - top)).sum();
    let mut left = u * sum;
    let last = log_weight.len() - 1;
    let found = log_weight[..last].iter().position(|w| {
        left -= exp(w - top);
        left < 0.0
    });
    found.unwrap_or(last) as u8
}

impl<E: Pairwise + ?Sized> Kernel<E> for Wolff {
    type State = Clusters;

    fn init(&self, energy: &E, x: Points) -> Clusters {
        let mut state = Clusters::new(x);
        state.evaluate(energy);
        state
    }

    fn step(&self, energy: &E, state: &mut Clusters, rng: &mut Streams) -> Info {
        let (n, d) = (state.chains.x.n(), state.chains.x.label.n_cols());
        let Clusters { chains, parent: member, front, bonds, .. } = state;
        let (couplings, last) = (energy.couplings(), last_label(energy));
        let label = &mut chains.x.label;
        member.resize(d, 0);
        let (mut uniforms, mut sum_accept) = ([0.0], 0.0);
        for i in 0..n {
            let chain = [i as u32];
            rng.uniforms_of(Purpose::Proposal, 0, &chain, &mut uniforms);
            let first = ((uniforms[0] * d as f64) as usize).min(d - 1);
            rng.uniforms_of(Purpose::Proposal, 1, &chain, &mut uniforms);
            let t = 1 + ((uniforms[0] * f64::from(last)) as u8).min(last - 1);
            member.fill(0);
            member[first] = 1;
            front.clear();
            front.push(first as u32);
            let (mut k, mut gain) = (0, 0.0);
            while let Some(site) = front.pop() {
                let site = site as usize;
                let now = label.get(i, site);
                gain += energy.log_site(site, turned(now, t, last)) - energy.log_site(site, now);
                for (other, w) in couplings.of(site) {
                    if member[other] == 0 {
                        rng.uniforms_of(Purpose::Choice, k, &chain, &mut uniforms);
                        k += 1;
                        set_bonds(energy, w, last, bonds);
                        if uniforms[0] < bonds[difference(now, label.get(i, other), last)] {
                            member[other] = 1;
                            front.push(other as u32);
                        }
                    }
                }
            }
            rng.uniforms_of(Purpose::Accept, 0, &chain, &mut uniforms);
            let p = exp(gain.min(0.0));
            sum_accept += super::on_grid(p);
            if uniforms[0] < p {
                for (site, _) in member.iter().enumerate().filter(|(_, m)| **m == 1) {
                    label.set(i, site, turned(label.get(i, site), t, last));
                }
            }
        }
        state.evaluate(energy);
        let n = n as u64;
        Info { n, sum_accept: sum_accept.into(), n_diverged: 0, n_evals: n, n_truncated: 0 }
    }

    fn refresh(&self, energy: &E, state: &mut Clusters) {
        state.evaluate(energy);
    }
}
