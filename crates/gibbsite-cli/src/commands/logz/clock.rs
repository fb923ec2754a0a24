//! The time that `--max-seconds` allows.

use std::time::Instant;

/// A clock that runs since the command began; without a limit it stands still.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    begun: Instant,
    seconds: f64,
}

impl Clock {
    /// Starts now.
    pub fn start(max_seconds: Option<f64>) -> Self {
        Self { begun: Instant::now(), seconds: max_seconds.unwrap_or(f64::INFINITY) }
    }

    /// The share of the time that has passed; see [`gibbsite::run::Elapsed`].
    pub fn elapsed(&self) -> f64 {
        self.begun.elapsed().as_secs_f64() / self.seconds
    }
}
