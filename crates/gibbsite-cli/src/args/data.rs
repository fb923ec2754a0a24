//! The options that go with a data file, wherever one is named.

use clap::Args;

use super::values;

/// Which columns of a table are used, and what for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The data")]
pub struct DataOptions {
    /// Use these columns only, like a,b,c or '"a, b",c' (names, or numbers from 1)
    #[arg(long, value_name = "COLUMN,..", value_parser = values::name_list)]
    pub columns: Vec<values::NameList>,
    /// Leave these columns out
    #[arg(long, value_name = "COLUMN,..", value_parser = values::name_list)]
    pub ignore: Vec<values::NameList>,
    /// A label (a column, file.npz:KEY, or a one-column file): never used to fit; a later `score` reports AUROC and AUPR
    #[arg(long, value_name = "LABEL", value_parser = values::text)]
    pub label: Option<String>,
}

/// Help text for a positional `<DATA>`.
pub const DATA_HELP: &str = "file.csv (header or not, .gz too), file.npy, file.npz:KEY, or - for CSV on stdin";
