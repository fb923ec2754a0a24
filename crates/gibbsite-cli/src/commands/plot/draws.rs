//! Draws from a file, chain by chain.

use std::path::Path;

use gibbsite::points::{Matrix, Points};
use gibbsite::table::{DataError, ReadOptions, Table};

use crate::failures;
use crate::guard::coordinates;
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

    /// Number of draws of each chain, if they all have as many.
    pub fn n_draws(&self) -> Option<usize> {
        let n = self.chains.first()?.len();
        self.chains.iter().all(|c| c.len() == n).then_some(n / self.dim)
    }

    /// Values of every draw, in the order of [`Chains::points`], by chain.
    pub fn split(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let mut rest = values.iter().copied();
        self.chains.iter().map(|c| rest.by_ref().take(c.len() / self.dim).collect()).collect()
    }

    /// Coordinate `j` of every draw.
    pub fn all(&self, j: usize) -> Vec<f64> {
        self.chains.iter().flat_map(|c| c.iter().skip(j).step_by(self.dim).copied()).collect()
    }

    /// Every draw, chain after chain.
    pub fn points(&self) -> Points {
        let rows: Vec<&[f64]> = self.chains.iter().flat_map(|c| c.chunks_exact(self.dim)).collect();
        Points::from_real(Matrix::from_fn(rows.len(), self.dim, |i, j| rows[i][j]))
    }

    /// Every draw in the plane.
    pub fn plane(&self) -> Vec<[f64; 2]> {
        self.chains.iter().flat_map(|c| c.chunks_exact(2).map(|p| [p[0], p[1]])).collect()
    }

    /// `[coordinate][chain][draw]`.
    pub fn by_coordinate(&self) -> Vec<Vec<Vec<f64>>> {
        let chain = |c: &Vec<f64>, j: usize| c.iter().skip(j).step_by(self.dim).copied().collect();
        (0..self.dim).map(|j| self.chains.iter().map(|c| chain(c, j)).collect()).collect()
    }

    /// The first chains as paths; nothing if successive draws are independent, since no path leads from one to the next.
    pub fn walks(&self, n_chains: usize, n_steps: usize) -> Option<Vec<Vec<[f64; 2]>>> {
        if self.jumps() {
            return None;
        }
        let walk = |c: &Vec<f64>| c.chunks_exact(2).take(n_steps + 1).map(|p| [p[0], p[1]]).collect();
        Some(self.chains.iter().take(n_chains).map(walk).collect())
    }

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

/// Draws as `sample --out` writes them: CSV with chain, draw, x1, ...; NPY (chains, draws, dim); NPZ with `draws`. A table
/// with one column per coordinate is one chain; so is an array (draws, dim), and (chains, draws) is one coordinate.
///
/// # Errors
/// Files that cannot be read, and draws of another number of coordinates than the energy `names`.
pub fn read(path: &Path, names: &[String]) -> Result<Chains, Failure> {
    let dim = names.len();
    let mut spec = path.to_string_lossy().into_owned();
    if spec.to_ascii_lowercase().ends_with(".npz") {
        spec.push_str(":draws");
    }
    let shape = Table::array_shape(&spec).map_err(failures::data)?;
    let table = Table::read(&spec, &ReadOptions::default()).map_err(failures::data)?;
    match shape.as_deref() {
        Some([_, _, of]) if *of == dim => {}
        Some([_, _]) if dim == 1 => {}
        Some([_, of]) if *of == dim => return Ok(Chains { dim, chains: vec![rows(&table, &columns(dim))] }),
        Some([_]) if dim == 1 => return Ok(Chains { dim, chains: vec![table.columns.col(0).to_vec()] }),
        Some(shape) => {
            let of = if shape.len() > 1 { shape.last().copied().unwrap_or(1) } else { 1 };
            return Err(mismatch(path, of, &format!("shape {shape:?}"), names));
        }
        None => return of_table(path, &table, names),
    }
    // (chains, draws, dim), flattened by row: every row is a chain.
    let chains = (0..table.n_rows()).map(|i| table.columns.row(i)).collect();
    Ok(Chains { dim, chains })
}

/// The energies that `sample --out` stores beside the draws in NPZ, chain after chain; nothing in files without.
///
/// # Errors
/// Files that cannot be read.
pub fn stored_energies(path: &Path) -> Result<Option<Vec<f64>>, Failure> {
    if !path.to_string_lossy().to_ascii_lowercase().ends_with(".npz") {
        return Ok(None);
    }
    let spec = format!("{}:energy", path.display());
    match Table::read(&spec, &ReadOptions::default()) {
        Ok(table) => Ok(Some((0..table.n_rows()).flat_map(|i| table.columns.row(i)).collect())),
        Err(DataError::UnknownKey { .. }) => Ok(None),
        Err(error) => Err(failures::data(error)),
    }
}

fn columns(dim: usize) -> Vec<usize> {
    (0..dim).collect()
}

fn rows(table: &Table, columns: &[usize]) -> Vec<f64> {
    let row = |i: usize| columns.iter().map(move |j| table.columns.get(i, *j));
    (0..table.n_rows()).flat_map(row).collect()
}

/// Named columns: all but `chain` and `draw` are coordinates.
fn of_table(path: &Path, table: &Table, names: &[String]) -> Result<Chains, Failure> {
    let dim = names.len();
    let chain = table.names.iter().position(|n| n == "chain");
    let own = |j: &usize| Some(*j) != chain && !(chain.is_some() && table.names[*j] == "draw");
    let of: Vec<usize> = (0..table.n_cols()).filter(own).collect();
    if of.len() != dim {
        let found = of.iter().map(|j| table.names[*j].clone()).collect::<Vec<_>>();
        return Err(mismatch(path, of.len(), &coordinates(&found), names));
    }
    let values = rows(table, &of);
    let Some(chain) = chain else { return Ok(Chains { dim, chains: vec![values] }) };
    let number = table.columns.col(chain);
    let mut chains: Vec<Vec<f64>> = Vec::new();
    for (i, row) in values.chunks_exact(dim).enumerate() {
        if i == 0 || number[i] != number[i - 1] {
            chains.push(Vec::new());
        }
        if let Some(last) = chains.last_mut() {
            last.extend_from_slice(row);
        }
    }
    Ok(Chains { dim, chains })
}

fn mismatch(path: &Path, of: usize, found: &str, names: &[String]) -> Failure {
    let dim = names.len();
    let s = |n: usize| if n == 1 { "" } else { "s" };
    let message = format!(
        "'{}' holds draws of {of} coordinate{}, {found}; the energy has {dim} coordinate{}, {}",
        path.display(),
        s(of),
        s(dim),
        coordinates(names)
    );
    let hint = "give draws of this energy; they have the columns chain, draw, x1, ... or the shape (chains, draws, \
                coordinates), as `sample --out` writes them";
    Failure::work("dimension", message, hint)
}
