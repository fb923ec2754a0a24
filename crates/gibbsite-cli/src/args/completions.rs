//! `gibbsite completions`.

use clap::Args;
use clap_complete::Shell;

/// Completions for a shell, to stdout
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  gibbsite completions bash > ~/.local/share/bash-completion/completions/gibbsite
  gibbsite completions fish > ~/.config/fish/completions/gibbsite.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}
