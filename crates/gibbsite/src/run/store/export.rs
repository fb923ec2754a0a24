//! The finished run as one file, put together from its pieces without ever holding them all.

use std::io::{self, Write};
use std::path::Path;

use zip::write::ZipWriter;

use super::{Quantity, Store};
use crate::table::DataError;
use crate::table::write::{npy_header, put_names, put_npz_member, put_number, put_values, written};

/// A format that draws are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns chain, draw (both from 0), x1, x2, ...
    Csv,
    /// One array `(chains, draws, dim)`.
    Npy,
    /// The same as `draws`, and the energies `(chains, draws)` as `energy`.
    Npz,
    /// Columns chain, draw (both from 0, `uint32`), x1, x2, ... (`float64`).
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Store {
    /// Writes all draws as chains of `n_draws` draws, whole or not at all; equal draws give equal bytes, however the run was
    /// cut into pieces. (Independent draws may be kept as one long chain: see [`Store::every`].)
    ///
    /// All pieces are compared with their checksums before the first byte is written.
    ///
    /// # Errors
    /// [`DataError::Write`], also where a piece cannot be read or is not what the run wrote.
    pub fn export(&self, path: &Path, format: Format, n_draws: usize) -> Result<(), DataError> {
        self.verify_all()
            .map_err(|e| DataError::Write { file: path.display().to_string(), source: io::Error::other(e) })?;
        let n_chains = self.n_chains * self.n_draws() / n_draws.max(1);
        let shape = [n_chains, n_draws, self.dim];
        written(path, |out| match format {
            Format::Csv => self.put_csv(out, n_draws),
            Format::Npy => {
                out.write_all(&npy_header(&shape)?)?;
                self.chain_after_chain(Quantity::Draws, &mut |values| put_values(out, values))
            }
            Format::Npz => {
                let mut archive = ZipWriter::new(out);
                for (quantity, key, shape) in
                    [(Quantity::Draws, "draws", &shape[..]), (Quantity::Energy, "energy", &shape[..2])]
                {
                    put_npz_member(&mut archive, key, shape, |out| {
                        self.chain_after_chain(quantity, &mut |values| put_values(out, values))
                    })?;
                }
                archive.finish()?;
                Ok(())
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => self.put_parquet(out, n_chains, n_draws),
        })
    }

    fn put_csv(&self, out: &mut impl Write, n_draws: usize) -> io::Result<()> {
        let names: Vec<String> =
            ["chain".into(), "draw".into()].into_iter().chain((1..=self.dim).map(|j| format!("x{j}"))).collect();
        put_names(out, &names)?;
        out.write_all(b"\n")?;
        let mut i = 0;
        self.chain_after_chain(Quantity::Draws, &mut |values| {
            for row in values.chunks_exact(self.dim) {
                write!(out, "{},{}", i / n_draws, i % n_draws)?;
                for v in row {
                    out.write_all(b",")?;
                    put_number(out, *v)?;
                }
                out.write_all(b"\n")?;
                i += 1;
            }
            Ok(())
        })
    }
}
