//! Draws and data that lie over a landscape.

use std::path::Path;

use gibbsite::points::Points;
use gibbsite::table::{ReadOptions, Table};

use crate::failures;
use crate::outcome::Failure;

/// Draws by chain, rows of `dim` coordinates each.
pub struct Chains {
    dim: usize,
    chains: Vec<Vec<f64>>,
}

impl Chains {
    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.chains.len()
    }

    /// Coordinate `j` of every draw.
    pub fn all(&self, j: usize) -> Vec<f64> {
        self.chains.iter().flat_map(|c| c.iter().skip(j).step_by(self.dim).copied()).collect()
    }

    /// `[coordinate][chain][draw]`.
    pub fn by_coordinate(&self) -> Vec<Vec<Vec<f64>>> {
        let chain = |c: &Vec<f64>, j: usize| c.iter().skip(j).step_by(self.dim).copied().collect();
        (0..self.dim).map(|j| self.chains.iter().map(|c| chain(c, j)).collect()).collect()
    }

    /// The first steps of the first chains; only a few steps of independent draws, which jump everywhere.
    pub fn walks(&self, n_chains: usize, n_steps: usize) -> Vec<Vec<[f64; 2]>> {
        let n_steps = if self.jumps() { n_steps.min(10) } else { n_steps };
        let walk = |c: &Vec<f64>| c.chunks_exact(2).take(n_steps).map(|p| [p[0], p[1]]).collect();
        self.chains.iter().take(n_chains).map(walk).collect()
    }
}

impl Chains {
    /// Whether successive draws differ as much as any two: von Neumann's ratio of the mean squared difference to the
    /// variance is 2 for independent draws and near 0 for slow chains.
    fn jumps(&self) -> bool {
        let ratio = |c: &[f64]| {
            let x: Vec<f64> = c.iter().step_by(self.dim).copied().collect();
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            x.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum::<f64>() / variance
        };
        self.chains.first().is_some_and(|c| ratio(c) > 1.5)
    }
}

/// Draws as `sample --out` writes them: CSV with chain, draw, x1, ...; NPY (chains, draws, dim); NPZ with `draws`. Any
/// other table with one column per coordinate counts as one chain.
///
/// # Errors
/// Files that cannot be read, and columns that do not fit the energy.
pub fn draws(path: &Path, dim: usize) -> Result<Chains, Failure> {
    let mut spec = path.to_string_lossy().into_owned();
    if spec.to_ascii_lowercase().ends_with(".npz") {
        spec.push_str(":draws");
    }
    let table = Table::read(&spec, &ReadOptions::default()).map_err(failures::data)?;
    let named = |name: &str| table.names.iter().position(|n| n == name);
    let x: Option<Vec<usize>> = (1..=dim).map(|j| named(&format!("x{j}"))).collect();
    let (columns, chain) = match (x, named("chain")) {
        _ if is_array(&spec) && table.n_cols() != dim && table.n_cols() % dim == 0 => {
            // (chains, draws, dim), flattened by row: every row is a chain.
            let chains = (0..table.n_rows()).map(|i| table.columns.row(i)).collect();
            return Ok(Chains { dim, chains });
        }
        (Some(x), Some(chain)) => (x, Some(chain)),
        (Some(x), None) if table.n_cols() != dim => (x, None),
        _ if table.n_cols() == dim => ((0..dim).collect(), None),
        _ => {
            let (n, s) = (table.n_cols(), if dim == 1 { "" } else { "s" });
            let message = format!("'{}' has {n} columns, the energy has {dim} coordinate{s}", path.display());
            let hint = "draws have the columns chain, draw, x1, ..., as `sample --out` writes them";
            return Err(Failure::work("data", message, hint));
        }
    };
    let mut chains: Vec<Vec<f64>> = Vec::new();
    let mut of = f64::NAN;
    for i in 0..table.n_rows() {
        let now = chain.map_or(0.0, |c| table.columns.get(i, c));
        if now != of || chains.is_empty() {
            chains.push(Vec::new());
            of = now;
        }
        if let Some(last) = chains.last_mut() {
            last.extend(columns.iter().map(|j| table.columns.get(i, *j)));
        }
    }
    Ok(Chains { dim, chains })
}

fn is_array(spec: &str) -> bool {
    let spec = spec.to_ascii_lowercase();
    spec.ends_with(".npy") || spec.contains(".npz:")
}

/// Rows of data, one column per coordinate.
///
/// # Errors
/// Files that cannot be read, and columns that do not fit the energy.
pub fn data(spec: &str, columns: &[String], dim: usize) -> Result<Points, Failure> {
    let columns = (!columns.is_empty()).then(|| columns.to_vec());
    let table = Table::read(spec, &ReadOptions { columns, ..ReadOptions::default() }).map_err(failures::data)?;
    if table.n_cols() != dim {
        let s = if dim == 1 { "" } else { "s" };
        let message = format!("'{spec}' has {} columns, the energy has {dim} coordinate{s}", table.n_cols());
        let hint = format!("choose with --columns; there are {}", table.names.join(", "));
        return Err(Failure::work("data", message, hint));
    }
    Ok(table.into_points())
}
