//! The binary `gibbsite`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gibbsite_cli::main(std::env::args_os().collect())
}
