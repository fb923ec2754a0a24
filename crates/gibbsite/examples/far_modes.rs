//! Modes that no chain crosses between: tempering carries states from one to the other, and says whether it does.

use gibbsite::energy::formula::Formula;
use gibbsite::kernel::Nuts;
use gibbsite::run::dispersed_points;
use gibbsite::tempering::{TemperingOptions, temper};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Weights 0.3 and 0.7, twenty standard deviations apart.
    let energy =
        Formula::parse("-logsumexp(log(0.3) - ((x1+10)^2 + x2^2 + x3^2)/2, log(0.7) - ((x1-10)^2 + x2^2 + x3^2)/2)")?;
    let start = dispersed_points(&energy, 64, 0)?.points;
    let run = temper(&energy, &Nuts::new(0.5), start, &TemperingOptions::default(), &|_| {})?;
    let right = run.draws.coordinate(0).iter().flatten().filter(|x| **x > 0.0).count() as f64;
    println!("weight of the right mode: {:.3}, exactly 0.7", right / (64.0 * 1000.0));
    println!("{} levels at {:.3?}, {}", run.betas.len(), run.betas, run.verdict);
    if let Some(log_z) = run.log_z {
        println!(
            "log Z {:.4} +- {:.4}, exactly {:.4}",
            log_z.value,
            log_z.std_err,
            1.5 * (2.0 * std::f64::consts::PI).ln()
        );
    }
    Ok(())
}
