//! The weights of modes, as the share of the draws in each, and whether the chains went back and forth often enough for
//! these shares to be the target's and not those of the starts.

use super::chains::{mean, variance};
use super::{ess_mean, mcse_mean};

/// Effective draws of a mode's indicator in each chain below which the chains remember the modes they started in: five in
/// half a chain, as in R-hat.
const MIN_ESS_OF_CHAIN: f64 = 10.0;

/// What the draws say of one mode.
#[derive(Clone, Debug, PartialEq)]
pub struct ModeWeight {
    /// Share of all draws, those in no mode included. NaN without draws.
    pub weight: f64,
    /// Its standard error; see [`occupancy`]. NaN (unknown) if no chain has entered or left the mode.
    pub std_err: f64,
    /// Effective sample size of the mode's indicator; 1 if it never changes, NaN with fewer than
    /// [`MIN_DRAWS`](super::MIN_DRAWS) draws a chain.
    pub ess: f64,
    /// Number of chains that visited it.
    pub n_chains: usize,
}

/// Where the draws were.
#[derive(Clone, Debug, PartialEq)]
pub struct Occupancy {
    /// One per mode.
    pub modes: Vec<ModeWeight>,
    /// Share of the draws in no mode.
    pub unassigned: f64,
    /// `n_transitions[a][b]`: how often a chain that was last in mode a came into mode b, draws in no mode between them or
    /// not; 0 on the diagonal.
    pub n_transitions: Vec<Vec<u64>>,
    /// Whether the chains have forgotten in which modes they started: every mode that was visited has ten effective draws or
    /// more in each chain, on average. If not, the weights are, wholly or in part, those of the starts. False if only one of
    /// several modes was visited: nothing shows that the chains can reach the others. A mode that no chain has visited can be
    /// unreachable also where this is true; its weight is 0 with an unknown error.
    pub mixes: bool,
}

impl Occupancy {
    /// Number of changes of mode, over all chains.
    pub fn n_changes(&self) -> u64 {
        self.n_transitions.iter().flatten().sum()
    }
}

/// Weights of `n_modes` modes from the mode of every draw, `labels[chain][draw]`, `None` for a draw in no mode.
///
/// The standard error of a weight is `sqrt(max(between, within)^2 + start^2)`, with the spread of the m chains
/// `between = sd(share of a chain) / sqrt(m)`, the Monte-Carlo error `within` of the indicator
/// ([`mcse_mean`](super::mcse_mean)), and the part of the starts that has not been forgotten,
/// `start = |share of chains that start in the mode - weight| m / (2 ess)`, the bias of the average of an indicator whose
/// correlation decays exponentially. Where no chain has entered or left the mode there is no error, but NaN: the weight is
/// the share of chains that started there, however well the chains agree among themselves.
///
/// # Panics
/// If the chains differ in length, or a label is not below `n_modes`.
pub fn occupancy<C: AsRef<[Option<usize>]>>(labels: &[C], n_modes: usize) -> Occupancy {
    let n_draws = labels.first().map_or(0, |c| c.as_ref().len());
    let mut n_transitions: Vec<Vec<u64>> = vec![vec![0; n_modes]; n_modes];
    for chain in labels {
        let chain = chain.as_ref();
        assert_eq!(chain.len(), n_draws, "chains must have the same number of draws");
        let mut last: Option<usize> = None;
        for mode in chain.iter().flatten().copied() {
            assert!(mode < n_modes, "the label {mode} is not below the number of modes, {n_modes}");
            if let Some(from) = last.filter(|from| *from != mode) {
                n_transitions[from][mode] += 1;
            }
            last = Some(mode);
        }
    }
    let modes: Vec<ModeWeight> = (0..n_modes)
        .map(|k| {
            let crossed = (0..n_modes).any(|other| n_transitions[k][other] + n_transitions[other][k] > 0);
            // A single mode exchanges with no other, only with the draws in none.
            weight(labels, k, crossed || n_modes == 1)
        })
        .collect();
    let all = (n_draws * labels.len()) as f64;
    let unassigned = labels.iter().flat_map(|c| c.as_ref()).filter(|l| l.is_none()).count() as f64 / all;
    let visited: Vec<&ModeWeight> = modes.iter().filter(|m| m.n_chains > 0).collect();
    let enough = |m: &&ModeWeight| m.ess >= MIN_ESS_OF_CHAIN * labels.len() as f64;
    let mixes = match visited.len() {
        0 => false,
        1 if n_modes == 1 && unassigned == 0.0 => true,
        1 if n_modes > 1 => false,
        _ => visited.iter().all(enough),
    };
    Occupancy { modes, unassigned, n_transitions, mixes }
}

fn weight<C: AsRef<[Option<usize>]>>(labels: &[C], k: usize, crossed: bool) -> ModeWeight {
    let indicator: Vec<Vec<f64>> =
        labels.iter().map(|c| c.as_ref().iter().map(|l| f64::from(*l == Some(k))).collect()).collect();
    let shares: Vec<f64> = indicator.iter().map(|c| mean(c)).collect();
    let m = shares.len() as f64;
    let (weight, ess) = (mean(&shares), ess_mean(&indicator));
    let started = indicator.iter().filter_map(|c| c.first()).sum::<f64>() / m;
    let start = (started - weight).abs() * m / (2.0 * ess);
    let within = mcse_mean(&indicator);
    // Unknown of a single chain; the maximum passes over that, but not over what the indicator itself leaves unknown.
    let between = (variance(&shares) / m).sqrt();
    let std_err = within.max(between).hypot(start);
    ModeWeight {
        weight,
        std_err: if crossed && !within.is_nan() { std_err } else { f64::NAN },
        ess,
        n_chains: shares.iter().filter(|s| **s > 0.0).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Run, Streams};

    /// Markov chains of two modes that leave mode 0 with probability `leave[0]` a draw and mode 1 with `leave[1]`.
    fn two_state(leave: [f64; 2], start: &[usize], n: usize, seed: u64) -> Vec<Vec<Option<usize>>> {
        let mut rng = Streams::new(seed, Run::Draws);
        let u = rng.uniforms(Purpose::Accept, start.len(), n);
        let chain = |c: usize| {
            let step = |mode: &mut usize, t: usize| {
                if t > 0 && u.col(t)[c] < leave[*mode] {
                    *mode = 1 - *mode;
                }
                Some(Some(*mode))
            };
            (0..n).scan(start[c], step).collect()
        };
        (0..start.len()).map(chain).collect()
    }

    /// Weight 3/4 of mode 0. The scores of many runs have the spread of a standard normal variable (a little less: the error is
    /// the larger of two), from stationary starts and from the worst ones.
    #[test]
    fn errors_are_the_spread_of_the_weights() {
        let leave = [0.02, 0.06];
        for (start, what) in [([0, 0, 0, 1, 0, 0, 1, 0], "stationary"), ([1; 8], "all in the rare mode")] {
            let scores: Vec<f64> = (0..200)
                .map(|seed| {
                    let o = occupancy(&two_state(leave, &start, 1000, seed), 2);
                    assert!(
                        o.mixes && o.n_changes() > 100 && (o.modes[0].weight + o.modes[1].weight - 1.0).abs() < 1e-12
                    );
                    assert!((o.modes[0].std_err - o.modes[1].std_err).abs() < 1e-9);
                    (o.modes[0].weight - 0.75) / o.modes[0].std_err
                })
                .collect();
            let (centre, spread) = (mean(&scores), variance(&scores).sqrt());
            let outside = scores.iter().filter(|z| z.abs() > 2.0).count();
            println!("{what}: mean {centre:.3}, sd {spread:.3}, {outside} of 200 beyond 2");
            // The bias of the worst starts is 0.75 / (1000 * 0.08), 0.4 of the error.
            assert!(centre.abs() < 0.5 && (0.75..1.1).contains(&spread) && outside <= 20, "{what}: {centre} {spread}");
        }
    }

    /// Slow chains that all start in one mode: without the term of the starts the error would be a fraction of the bias.
    #[test]
    fn starts_that_are_not_forgotten_are_in_the_error() {
        let o = occupancy(&two_state([0.004, 0.004], &[0; 256], 1000, 5), 2);
        let (m, z) = (&o.modes[0], (o.modes[0].weight - 0.5) / o.modes[0].std_err);
        assert!(!o.mixes && m.weight > 0.53 && z.abs() < 3.0 && m.std_err > 0.03, "{m:?} {z}");
        let faster = occupancy(&two_state([0.03, 0.03], &[0; 256], 1000, 5), 2);
        assert!(faster.mixes && faster.modes[0].std_err < 0.015);
    }

    #[test]
    fn chains_that_never_change_mode_know_no_weights() {
        let o = occupancy(&two_state([0.0, 0.0], &[0, 0, 0, 1], 500, 1), 3);
        assert!(!o.mixes && o.n_changes() == 0);
        assert!(o.modes.iter().all(|m| m.std_err.is_nan()));
        assert_eq!(
            o.modes.iter().map(|m| (m.weight, m.n_chains)).collect::<Vec<_>>(),
            [(0.75, 3), (0.25, 1), (0.0, 0)]
        );
        // One mode of several, or one alone.
        let all_in_one = two_state([0.0, 0.0], &[0; 4], 500, 1);
        let of_two = occupancy(&all_in_one, 2);
        assert!(!of_two.mixes && of_two.modes[0].weight == 1.0 && of_two.modes[0].std_err.is_nan());
        let of_one = occupancy(&all_in_one, 1);
        assert!(of_one.mixes && of_one.modes[0].std_err.is_nan() && of_one.modes[0].ess == 1.0);
    }

    #[test]
    fn transitions_pass_over_draws_in_no_mode() {
        let chain = [Some(0), None, Some(0), None, Some(1), Some(1), Some(0), Some(2), None];
        let o = occupancy(&[chain], 3);
        assert_eq!(o.n_transitions, [[0, 1, 1], [1, 0, 0], [0, 0, 0]]);
        assert!((o.unassigned - 1.0 / 3.0).abs() < 1e-15 && !o.mixes);
        assert_eq!(o.modes.iter().map(|m| m.n_chains).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(o.modes.iter().all(|m| m.std_err > 0.0));
    }

    #[test]
    fn too_little_is_unknown() {
        let short = occupancy(&[[Some(0), Some(1), Some(0)]; 4], 2);
        assert!(short.modes.iter().all(|m| m.std_err.is_nan() && m.ess.is_nan()) && !short.mixes);
        let none = occupancy::<Vec<Option<usize>>>(&[], 2);
        assert!(
            none.modes.iter().all(|m| m.weight.is_nan() && m.std_err.is_nan())
                && none.unassigned.is_nan()
                && !none.mixes
        );
        let nowhere = occupancy(&[[None; 10]; 3], 1);
        assert!(nowhere.modes[0].weight == 0.0 && nowhere.unassigned == 1.0 && !nowhere.mixes);
    }

    #[test]
    #[should_panic(expected = "not below the number of modes")]
    fn labels_beyond_the_modes_are_a_programming_error() {
        occupancy(&[[Some(2)]], 2);
    }
}
