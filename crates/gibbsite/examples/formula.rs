//! A formula as a model: its log Z, exact draws, and a Langevin run that must agree with them.

use gibbsite::diagnostics::summary;
use gibbsite::energy::formula::Formula;
use gibbsite::kernel::Mala;
use gibbsite::logz::{Options, quadrature};
use gibbsite::run::{RunOptions, initial_points_with_gradient, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let energy = Formula::parse("x^4 - 2*x^2 + 0.3*x")?;
    let exact = quadrature(&energy, &Options::default())?;
    println!("log Z = {:.12} +- {:.0e} with {} nodes", exact.log_z, exact.error, exact.n());

    let start = initial_points_with_gradient(&energy, 64, 0)?;
    let run = sample(&energy, &Mala::new(0.1), start, &RunOptions::default(), &|_| {})?;
    let s = summary(&run.draws.coordinate(0));
    println!(
        "mean: exact {:+.5}, sampled {:+.5} +- {:.5} (ess {:.0})",
        exact.mean()[0],
        s.mean,
        s.mcse_mean,
        s.ess_bulk
    );
    println!("sd:   exact {:.5}, sampled {:.5} +- {:.5}", exact.sd()[0], s.sd, s.mcse_sd);
    Ok(())
}
