//! Does the ladder carry states from the reference to the target?

use std::fmt;

use super::barrier::{MAX_LEVELS, round_trip_rate};

/// Rejection above which a pair of levels is a bottleneck; a well-spaced ladder has about 0.5.
const MAX_REJECTION: f64 = 0.9;

/// Round trips of a ladder on average from which on its draws have forgotten where it started: each is a new state from the
/// reference, and of ladders with two on average one in seven has none.
pub const MIN_ROUND_TRIPS: u64 = 2;

/// The judgement of a tempered run.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// States of the reference came to the target and back: [`MIN_ROUND_TRIPS`] times a ladder on average, at least once on
    /// half of the ladders.
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
    /// Round trips are fewer than [`MIN_ROUND_TRIPS`] a ladder on average, although most ladders have made one: a good part of
    /// the draws still depends on where they started.
    FewRoundTrips {
        /// Round trips of all ladders.
        n_round_trips: u64,
        /// All ladders.
        n_ladders: usize,
        /// Iterations of the run.
        n_iterations: usize,
        /// As in [`Verdict::NoRoundTrips`].
        expected: f64,
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
        // Pairs that have not been tried hide none that hardly swap.
        let tried: Vec<usize> = (0..rejection.len()).filter(|pair| !rejection[*pair].is_nan()).collect();
        let barrier: f64 = tried.iter().map(|pair| rejection[*pair]).sum();
        let worst = tried.iter().copied().max_by(|a, b| rejection[*a].total_cmp(&rejection[*b]));
        let n_ladders = n_round_trips.len();
        let n_without = n_round_trips.iter().filter(|n| **n == 0).count();
        if let Some(worst) = worst.filter(|pair| rejection[*pair] > MAX_REJECTION) {
            if rejection.len() + 1 >= MAX_LEVELS {
                return Verdict::ReferenceTooFar { barrier };
            }
            let n_levels = super::n_levels(barrier).max(rejection.len() + 2);
            return Verdict::LadderTooShort { pair: worst, rejection: rejection[worst], n_levels };
        }
        // The rate counts the trips of all replicas, of which there is one on each level.
        let expected = (rejection.len() + 1) as f64 / round_trip_rate(rejection);
        if 2 * n_without > n_ladders {
            return Verdict::NoRoundTrips { n_without, n_ladders, n_iterations, expected };
        }
        let n_round_trips: u64 = n_round_trips.iter().sum();
        if n_round_trips < MIN_ROUND_TRIPS * n_ladders as u64 {
            return Verdict::FewRoundTrips { n_round_trips, n_ladders, n_iterations, expected };
        }
        Verdict::Mixing { n_round_trips, n_ladders }
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
                advise(f, 2.0 * expected, *expected, *n_iterations)
            }
            Verdict::FewRoundTrips { n_round_trips, n_ladders, n_iterations, expected } => {
                write!(
                    f,
                    "{n_ladders} ladders made {n_round_trips} round trips between reference and target in {n_iterations} \
                     iterations, fewer than {MIN_ROUND_TRIPS} a ladder: "
                )?;
                advise(f, enough(*n_round_trips, *n_ladders, *n_iterations), *expected, *n_iterations)
            }
        }
    }
}

/// Iterations after which ladders will have [`MIN_ROUND_TRIPS`] and a third more, at the rate they had.
pub(crate) fn enough(n_round_trips: u64, n_ladders: usize, n_iterations: usize) -> f64 {
    4.0 / 3.0 * (MIN_ROUND_TRIPS * n_ladders as u64) as f64 / n_round_trips as f64 * n_iterations as f64
}

/// What to do where `enough` iterations make enough round trips, of which each should take `expected`.
fn advise(f: &mut fmt::Formatter<'_>, enough: f64, expected: f64, n_iterations: usize) -> fmt::Result {
    if expected.is_nan() {
        write!(f, "draw more, for some pairs of levels have not swapped yet")
    } else if enough.ceil() > n_iterations as f64 {
        write!(f, "a round trip takes about {expected:.0}; draw at least {:.0}", enough.ceil())
    } else {
        write!(
            f,
            "a round trip should take about {expected:.0}, but the levels do not forget between swaps; make more \
             transitions in each iteration"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_name_cause_and_remedy() {
        let good = Verdict::new(&[0.5, 0.4], &[8, 0, 1], 100);
        assert_eq!(good, Verdict::Mixing { n_round_trips: 9, n_ladders: 3 });
        assert!(good.is_good() && good.to_string().contains("3.0 a ladder"), "{good}");
        // One round trip on half of the ladders is not mixing.
        let few = Verdict::new(&[0.5, 0.4], &[1, 0, 1, 0], 100);
        assert!(matches!(few, Verdict::FewRoundTrips { n_round_trips: 2, n_ladders: 4, .. }) && !few.is_good());
        assert!(
            few.to_string().contains("fewer than 2 a ladder: a round trip takes about")
                && few.to_string().ends_with("draw at least 534"),
            "{few}"
        );
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
        // A pair that was not tried hides no other.
        let hidden = Verdict::new(&[0.99, f64::NAN], &[0], 1);
        assert_eq!(hidden, Verdict::LadderTooShort { pair: 0, rejection: 0.99, n_levels: 4 });
        let shortest = Verdict::new(&[0.5, f64::NAN], &[0], 1);
        assert!(shortest.to_string().contains("draw more"), "{shortest}");
    }
}
