//! Does the ladder carry states from the reference to the target?

use std::fmt;

use super::barrier::{MAX_LEVELS, round_trip_rate};

/// Rejection above which a pair of levels is a bottleneck; a well-spaced ladder has about 0.5.
const MAX_REJECTION: f64 = 0.9;

/// The judgement of a tempered run.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// At least half of the ladders have brought a state of the reference to the target and back.
    Mixing {
        /// Round trips of all ladders.
        n_round_trips: u64,
        /// Number of ladders.
        n_ladders: usize,
    },
    /// Two neighbouring levels hardly ever swap.
    LadderTooShort {
        /// The lower of the two levels.
        pair: usize,
        /// Their probability of rejection.
        rejection: f64,
        /// Levels that the barrier asks for; a lower bound, for rejections close to 1 hide how far it really is.
        n_levels: usize,
    },
    /// Even the longest ladder has levels that hardly ever swap.
    ReferenceTooFar {
        /// The sum of the rejections, a lower bound of the communication barrier.
        barrier: f64,
    },
    /// More than half of the ladders have made no round trip: their draws depend on where they started.
    NoRoundTrips {
        /// Ladders without.
        n_without: usize,
        /// All ladders.
        n_ladders: usize,
        /// Iterations of the run.
        n_iterations: usize,
        /// Iterations that a round trip of one replica takes on average when the levels forget between swaps; NaN where some
        /// pair of levels has not been tried.
        expected: f64,
    },
}

impl Verdict {
    /// Whether the draws may be trusted, as far as the ladder goes.
    pub fn is_good(&self) -> bool {
        matches!(self, Verdict::Mixing { .. })
    }

    /// From the rejection of every pair and the round trips of every ladder.
    pub(super) fn new(rejection: &[f64], n_round_trips: &[u64], n_iterations: usize) -> Self {
        let barrier: f64 = rejection.iter().sum();
        let worst = (0..rejection.len()).max_by(|a, b| rejection[*a].total_cmp(&rejection[*b])).unwrap_or(0);
        let n_ladders = n_round_trips.len();
        let n_without = n_round_trips.iter().filter(|n| **n == 0).count();
        if rejection[worst] > MAX_REJECTION {
            if rejection.len() + 1 >= MAX_LEVELS {
                return Verdict::ReferenceTooFar { barrier };
            }
            let n_levels = super::n_levels(barrier).max(rejection.len() + 2);
            return Verdict::LadderTooShort { pair: worst, rejection: rejection[worst], n_levels };
        }
        if 2 * n_without > n_ladders {
            // The rate counts the trips of all replicas, of which there is one on each level.
            let expected = (rejection.len() + 1) as f64 / round_trip_rate(rejection);
            return Verdict::NoRoundTrips { n_without, n_ladders, n_iterations, expected };
        }
        Verdict::Mixing { n_round_trips: n_round_trips.iter().sum(), n_ladders }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Mixing { n_round_trips, n_ladders } => {
                let per_ladder = *n_round_trips as f64 / *n_ladders as f64;
                write!(f, "mixing: {n_round_trips} round trips between reference and target, {per_ladder:.1} a ladder")
            }
            Verdict::LadderTooShort { pair, rejection, n_levels } => write!(
                f,
                "the ladder is too short: levels {pair} and {} reject {:.1} % of their swaps; use at least {n_levels} \
                 levels, or more warm-up if the ladder chooses its own",
                pair + 1,
                100.0 * rejection
            ),
            Verdict::ReferenceTooFar { barrier } => write!(
                f,
                "the reference is too far from the target: the barrier is {barrier:.1} or more, which needs more than \
                 {MAX_LEVELS} levels; give a reference closer to the target, or more warm-up to fit one"
            ),
            Verdict::NoRoundTrips { n_without, n_ladders, n_iterations, expected } => {
                write!(
                    f,
                    "{n_without} of {n_ladders} ladders made no round trip between reference and target in {n_iterations} \
                     iterations: "
                )?;
                let enough = (2.0 * expected).ceil();
                if expected.is_nan() {
                    write!(f, "draw more, for some pairs of levels have not swapped yet")
                } else if enough > *n_iterations as f64 {
                    write!(f, "a round trip takes about {expected:.0}; draw at least {enough:.0}")
                } else {
                    write!(
                        f,
                        "a round trip should take about {expected:.0}, but the levels do not forget between swaps; make more \
                         transitions in each iteration"
                    )
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_name_cause_and_remedy() {
        let good = Verdict::new(&[0.5, 0.4], &[3, 0, 1], 100);
        assert_eq!(good, Verdict::Mixing { n_round_trips: 4, n_ladders: 3 });
        assert!(good.is_good() && good.to_string().contains("1.3 a ladder"), "{good}");
        let short = Verdict::new(&[0.5, 0.99, 0.2], &[3, 2], 100);
        assert_eq!(short, Verdict::LadderTooShort { pair: 1, rejection: 0.99, n_levels: 5 });
        assert!(short.to_string().contains("levels 1 and 2 reject 99.0 %"), "{short}");
        let far = Verdict::new(&[0.95; 63], &[0, 0], 100);
        assert!(matches!(far, Verdict::ReferenceTooFar { .. }) && !far.is_good(), "{far}");
        // Seven levels at a rate of 1 / (2 + 2 * 6): 98 iterations for each replica.
        let brief = Verdict::new(&[0.5; 6], &[0, 0, 1], 10);
        assert!(brief.to_string().contains("takes about 98; draw at least 196"), "{brief}");
        let stuck = Verdict::new(&[0.5; 6], &[0, 0, 1], 1000);
        assert!(stuck.to_string().contains("more transitions in each iteration"), "{stuck}");
        let shortest = Verdict::new(&[0.5, f64::NAN], &[0], 1);
        assert!(shortest.to_string().contains("draw more"), "{shortest}");
    }
}
