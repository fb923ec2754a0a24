//! Pictures that tell whether draws can be believed: traces, ranks, energies and their changes.

use gibbsite::diagnostics::{MIN_DRAWS, ebfmi, rank_histogram};
use rayon::prelude::*;

use super::draws::{self, Chains};
use super::{PLOT_DRAWS, Picture};
use crate::failures;
use crate::outcome::{Failure, Outcome};
use crate::plot::{RankPanel, energy_histograms, energy_transitions, ranks, traces};

/// Most bins of ranks; Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021) use as many.
const MOST_BINS: usize = 20;

/// Least draws of a chain to a bin.
const BIN_DRAWS: usize = 5;

/// Probability that a chain stands out in a coordinate although all agree, over all chains.
const LEVEL: f64 = 0.01;

/// Relative difference beyond which stored energies are those of another energy.
const SAME: f64 = 1e-6;

impl Picture<'_> {
    /// The draws, or the failure that says how to get some. Data are not shown, and a warning says so.
    fn draws(&self, kind: &str, out: &mut Outcome) -> Result<&Chains, Failure> {
        if self.data.is_some() {
            out.warn(format!("{kind} show no data; ask for --kind energies to compare them with the draws"), false);
        }
        self.chains.as_ref().ok_or_else(|| {
            let message = format!("{kind} are those of draws, and none are given");
            Failure::usage("missing_argument", message, PLOT_DRAWS)
        })
    }

    pub(super) fn traces(&self, out: &mut Outcome) -> Result<(), Failure> {
        let chains = self.draws("traces", out)?;
        out.put("kind", "traces").put("chains", chains.n_chains());
        traces(&self.args.out, &self.model.description, &self.names, &chains.by_coordinate()).map_err(failures::plot)
    }

    /// Rank plots of every coordinate; the p-values of the chains are reported.
    pub(super) fn ranks(&self, out: &mut Outcome) -> Result<(), Failure> {
        let chains = self.draws("ranks", out)?;
        let (m, n) = (chains.n_chains(), chains.n_draws());
        let more = "draw with more --chains and --draws, or look at the traces: --kind traces";
        if m < 2 {
            let message = "ranks compare chains, and the draws are of one chain";
            return Err(Failure::work("data", message, more));
        }
        let Some(n) = n.filter(|n| *n >= MIN_DRAWS) else {
            let message = match n {
                Some(n) => format!("ranks need {MIN_DRAWS} draws of each chain; there are {n}"),
                None => "ranks need chains of equal length; these differ in the number of draws".to_owned(),
            };
            return Err(Failure::work("data", message, more));
        };
        let n_bins = (n / BIN_DRAWS).clamp(2, MOST_BINS);
        let (mut panels, mut p_values) = (Vec::new(), Vec::new());
        let histograms: Vec<_> =
            chains.by_coordinate().par_iter().map(|chains| rank_histogram(chains, n_bins)).collect();
        for (name, histogram) in self.names.iter().zip(histograms) {
            let Some(h) = histogram else {
                let message = format!("draws of {name} are not finite: they have no ranks");
                return Err(Failure::work("data", message, "look at the traces: --kind traces"));
            };
            panels.push(RankPanel {
                name: name.clone(),
                counts: h.counts.iter().map(|c| c.iter().map(|v| *v as f64).collect()).collect(),
                expected: h.expected,
                count_sd: h.count_sd,
                apart: (0..m).filter(|c| h.p_value[*c] < LEVEL / m as f64).collect(),
            });
            p_values.push(h.p_value.into_iter().map(|p| Some(p).filter(|p| p.is_finite())).collect::<Vec<_>>());
        }
        out.put("kind", "ranks").put("chains", m).put("n_bins", n_bins).put("rank_p_value", p_values);
        ranks(&self.args.out, &self.model.description, n, &panels).map_err(failures::plot)
    }

    /// Energies of data and draws; of draws alone, energies and their changes from draw to draw.
    pub(super) fn energies(&self, out: &mut Outcome) -> Result<(), Failure> {
        if self.chains.is_none() && self.data.is_none() {
            let message = "energies are those of draws or data, and neither is given";
            return Err(Failure::usage("missing_argument", message, "give --draws, --data or both"));
        }
        let data = self.data.as_ref().map(|x| self.energy(x)).transpose()?.unwrap_or_default();
        let draws = self.chains.as_ref().map(|c| self.energy(&c.points())).transpose()?.unwrap_or_default();
        out.put("kind", "energies").put("n_data", data.len()).put("n_draws", draws.len());
        self.compare_with_stored(&draws, out)?;
        let title = &self.model.description;
        match &self.chains {
            Some(chains) if self.data.is_none() => {
                let by_chain = chains.split(&draws);
                let ratios = ebfmi(&by_chain);
                let known: Vec<Option<f64>> = ratios.iter().map(|r| Some(*r).filter(|r| r.is_finite())).collect();
                out.put("squared_change_over_variance", known);
                energy_transitions(&self.args.out, title, &by_chain, &ratios)
            }
            _ => energy_histograms(&self.args.out, title, &data, &draws),
        }
        .map_err(failures::plot)
    }

    /// Warns if the file holds other energies than these: its draws are then of another model.
    fn compare_with_stored(&self, draws: &[f64], out: &mut Outcome) -> Result<(), Failure> {
        let Some(path) = self.args.draws.as_deref() else { return Ok(()) };
        let Some(stored) = draws::stored_energies(path)?.filter(|s| s.len() == draws.len()) else { return Ok(()) };
        let differ = |(a, b): &(&f64, &f64)| (**a - **b).abs() > SAME * (1.0 + a.abs().max(b.abs()));
        let n = draws.iter().zip(&stored).filter(differ).count();
        if n > 0 {
            let message = format!(
                "'{}' stores other energies than this model gives ({n} of {} draws differ): are the draws of another energy, or \
                 of other parameters? The picture shows the energies of this model",
                path.display(),
                draws.len()
            );
            out.warn(message, false);
        }
        Ok(())
    }
}
