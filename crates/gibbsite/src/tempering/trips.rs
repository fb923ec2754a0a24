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
