//! How strange a few made-up eruptions are.

use gibbsite::energy::Energy;
use gibbsite::energy::formula::Formula;
use gibbsite::kernel::grid::Grid;
use gibbsite::logz::Quadrature;
use gibbsite::points::Points;
use gibbsite::uses::anomaly::p_values;
use serde_json::json;

use crate::context::Context;
use crate::outcome::{Failure, Outcome};
use crate::{failures, text};

/// Exact draws behind the p-values.
const N_EXACT: usize = 1_000_000;

/// Durations that were made up, in minutes.
const MADE_UP: [(f64, &str); 3] =
    [(4.4, "an ordinary long one"), (3.0, "between the two kinds"), (6.5, "longer than any")];

/// Log-densities and p-values with their errors.
///
/// # Errors
/// Draws that cannot be made.
pub fn scored(energy: &Formula, exact: &Quadrature, ctx: &Context, out: &mut Outcome) -> Result<String, Failure> {
    let x = Points::from_rows(&MADE_UP.map(|(x, _)| [x]));
    let mut e = [0.0; MADE_UP.len()];
    energy.energy(&x, &mut e);
    let draws = Grid::new(energy).and_then(|g| g.sample(N_EXACT, ctx.seed)).map_err(failures::log_z)?;
    let mut draw_energies = vec![0.0; N_EXACT];
    energy.energy(&draws, &mut draw_energies);
    let p = p_values(&draw_energies, &e);
    let mut table = text::Table::new(["minutes", "log-density", "p-value", ""]);
    let mut rows = Vec::new();
    for (i, (x, what)) in MADE_UP.into_iter().enumerate() {
        let (log_density, surprise) = (-e[i] - exact.log_z, -p[i].ln());
        let smallest = 1.0 / (N_EXACT + 1) as f64;
        let std_err = (p[i] * (1.0 - p[i]) / N_EXACT as f64).sqrt();
        let p_value = if p[i] <= smallest { format!("< {smallest:.0e}") } else { text::with_error(p[i], std_err) };
        table.row([format!("{x}"), format!("{log_density:.3}"), p_value, what.to_string()]);
        rows.push(json!({
            "x": x, "energy": e[i], "log_density": log_density, "log_density_std_err": exact.error,
            "surprise": surprise, "p_value": p[i], "p_value_std_err": std_err,
        }));
    }
    out.put("scores", serde_json::Value::Array(rows)).put("n_exact", N_EXACT);
    Ok(format!(
        "6. Three eruptions that were made up. The p-value is the share of\n   {} exact draws that are no likelier:\n{}",
        text::count(N_EXACT as u64),
        table.render()
    ))
}
