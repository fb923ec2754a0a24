//! Round trips of the replicas: from the reference to the target and back.

/// Which way a replica is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leg {
    /// It has not been at the reference yet.
    #[default]
    Unknown,
    /// It was at the reference last, not at the target since.
    Up,
    /// It has come from the reference to the target, and not been back at the reference since.
    Down,
}

impl Leg {
    /// The integer that stands for it in a file.
    pub(super) fn code(self) -> u64 {
        match self {
            Leg::Unknown => 0,
            Leg::Up => 1,
            Leg::Down => 2,
        }
    }

    /// What an integer of a file stands for.
    pub(super) fn from_code(code: u64) -> Option<Self> {
        [Leg::Unknown, Leg::Up, Leg::Down].into_iter().find(|leg| leg.code() == code)
    }

    /// The replica is at the reference; returns whether that completes a round trip.
    pub(super) fn at_reference(&mut self) -> bool {
        let completes = *self == Leg::Down;
        *self = Leg::Up;
        completes
    }

    /// The replica is at the target.
    pub(super) fn at_target(&mut self) {
        if *self == Leg::Up {
            *self = Leg::Down;
        }
    }
}
