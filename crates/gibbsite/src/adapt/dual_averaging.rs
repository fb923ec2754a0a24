//! Dual averaging of the log step size (Hoffman and Gelman 2014, "The No-U-Turn Sampler", algorithm 5).

/// Steers the acceptance probability to a target: after round m with acceptance alpha,
/// `H = (1 - 1/(m + t0)) H + (target - alpha) / (m + t0)`, `log eps = mu - sqrt(m) / gamma H`, and the answer is the average
/// of `log eps` with weights `m^-kappa`; gamma = 0.05, t0 = 10, kappa = 0.75.
///
/// `mu = log(eps_0)`, not the `log(10 eps_0)` of the paper: the acceptance averaged over many chains is accurate, so the
/// step size found by search needs no push upward, and long trajectories do not overshoot into divergence.
#[derive(Clone, Debug)]
pub struct DualAveraging {
    mu: f64,
    target: f64,
    m: f64,
    h: f64,
    log_average: f64,
}

impl DualAveraging {
    /// Starts from a step size found by search.
    pub fn new(step_size: f64, target: f64) -> Self {
        Self { mu: step_size.ln(), target, m: 0.0, h: 0.0, log_average: step_size.ln() }
    }

    /// Takes the mean acceptance probability of a round, gives the step size of the next.
    pub fn update(&mut self, accept_prob: f64) -> f64 {
        const GAMMA: f64 = 0.05;
        const T0: f64 = 10.0;
        const KAPPA: f64 = 0.75;
        self.m += 1.0;
        let weight = 1.0 / (self.m + T0);
        self.h = (1.0 - weight) * self.h + weight * (self.target - accept_prob);
        let log_step = self.mu - self.m.sqrt() / GAMMA * self.h;
        let eta = self.m.powf(-KAPPA);
        self.log_average = eta * log_step + (1.0 - eta) * self.log_average;
        log_step.exp()
    }

    /// The averaged step size, for the draws.
    pub fn average(&self) -> f64 {
        self.log_average.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_step_size_of_a_known_acceptance_curve() {
        // Acceptance exp(-eps) reaches 0.6 at eps = ln(1 / 0.6).
        let mut averaging = DualAveraging::new(10.0, 0.6);
        let mut eps = 10.0f64;
        for _ in 0..400 {
            eps = averaging.update((-eps).exp());
        }
        assert!((averaging.average() - (1.0f64 / 0.6).ln()).abs() < 0.02, "{}", averaging.average());
    }
}
