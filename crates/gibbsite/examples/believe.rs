//! Two modes that no chain crosses between: a sampler is chosen, and the verdict says whether to believe its draws.

use gibbsite::energy::{Differentiable, Energy};
use gibbsite::points::{Matrix, Points, Space};
use gibbsite::run::auto::{AutoOptions, auto};
use gibbsite::verdict::judge;

/// E(x, y) = (x^2 - 25)^2 / 40 + y^2 / 2: one well at x = -5, one at x = 5, fifteen nats between them.
struct TwoWells(Space);

impl Energy for TwoWells {
    fn space(&self) -> &Space {
        &self.0
    }
    fn energy(&self, p: &Points, out: &mut [f64]) {
        let (x, y) = (p.real.col(0), p.real.col(1));
        out.iter_mut().zip(x).zip(y).for_each(|((e, x), y)| *e = (x * x - 25.0).powi(2) / 40.0 + y * y / 2.0);
    }
}

impl Differentiable for TwoWells {
    fn energy_grad(&self, p: &Points, e: &mut [f64], grad: &mut Matrix<f64>) {
        self.energy(p, e);
        grad.col_mut(0).iter_mut().zip(p.real.col(0)).for_each(|(g, x)| *g = x * (x * x - 25.0) / 10.0);
        grad.col_mut(1).copy_from_slice(p.real.col(1));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let energy = TwoWells(Space::real(2));
    let run = auto(&energy, &AutoOptions::default(), &|_| {})?;
    println!("{}\n{}", run.choice, judge(&energy, &run));
    Ok(())
}
