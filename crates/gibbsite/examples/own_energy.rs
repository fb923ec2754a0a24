//! An energy of one's own: implement two traits, then every kernel, estimator and diagnostic works on it.

use gibbsite::diagnostics::summary;
use gibbsite::energy::{Differentiable, Energy};
use gibbsite::kernel::Hmc;
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};

/// E(x) = sum_j x_j^4 / 4.
struct Quartic(Space);

impl Energy for Quartic {
    fn space(&self) -> &Space {
        &self.0
    }

    fn energy(&self, x: &Points, out: &mut [f64]) {
        for (i, e) in out.iter_mut().enumerate() {
            *e = x.real.row(i).iter().map(|x| x.powi(4) / 4.0).sum();
        }
    }
}

impl Differentiable for Quartic {
    fn energy_grad(&self, x: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(x, e);
        for j in 0..x.dim() {
            grad.col_mut(j).iter_mut().zip(x.real.col(j)).for_each(|(g, x)| *g = x.powi(3));
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let energy = Quartic(Space::real(3));
    let start = initial_points_with_gradient(&energy, 64, 0)?;
    let run = sample(&energy, &Hmc::new(0.5, 8), start, &RunOptions::default(), &|_| {})?;
    for j in 0..3 {
        let s = summary(&run.draws.coordinate(j));
        println!(
            "x{}: mean {:+.4} +- {:.4}, sd {:.4} +- {:.4}, R-hat {:.4}",
            j + 1,
            s.mean,
            s.mcse_mean,
            s.sd,
            s.mcse_sd,
            s.rhat
        );
    }
    println!("exact: mean 0, sd {:.4}", 0.822_179_f64);
    Ok(())
}
