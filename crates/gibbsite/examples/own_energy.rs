//! An energy of one's own: two traits, and every kernel, estimator and diagnostic works on it.

use gibbsite::diagnostics::summary;
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::{Mala, Nuts, Slice};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::run::{Draws, RunOptions, initial_points_with_gradient, sample};

/// E(x) = sum_j x_j^4 / 4. A batch of states has one column for each coordinate.
struct Quartic(Space);

impl Energy for Quartic {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, x: &Points, out: &mut [f64]) {
        out.fill(0.0);
        for j in 0..x.dim() {
            out.iter_mut().zip(x.real.col(j)).for_each(|(e, x)| *e += x.powi(4) / 4.0);
        }
    }
}

impl Differentiable for Quartic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        grad.as_mut_slice().iter_mut().zip(x.real.as_slice()).for_each(|(g, x)| *g = x.powi(3));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let energy = Quartic(Space::real(3));
    let start = initial_points_with_gradient(&energy, 64, 0)?;
    let options = RunOptions::default();
    report("nuts", &sample(&energy, &Nuts::new(0.5), start.clone(), &options, &|_| {})?.draws);
    report("mala", &sample(&energy, &Mala::new(0.5), start.clone(), &options, &|_| {})?.draws);
    report("slice", &sample(&energy, &Slice::new(3.0), start, &options, &|_| {})?.draws);
    println!("exact: mean 0, sd {:.4}", 0.822_179_f64);
    Ok(())
}

fn report(sampler: &str, draws: &Draws) {
    let s = summary(&draws.coordinate(0));
    println!(
        "{sampler:<6} mean {:+.4} +- {:.4}, sd {:.4} +- {:.4}, R-hat {:.4}, {:.0} effective draws",
        s.mean, s.mcse_mean, s.sd, s.mcse_sd, s.rhat, s.ess_bulk
    );
}
