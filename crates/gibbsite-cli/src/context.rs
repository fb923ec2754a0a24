//! What every command gets besides its own arguments: the global options, progress bars and messages.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::GlobalArgs;
use crate::outcome::Failure;

/// The global options, once validated.
#[derive(Debug, Clone)]
pub struct Context {
    /// The result is printed as one JSON object.
    pub json: bool,
    /// No progress and no messages.
    pub quiet: bool,
    /// Fixes every random number.
    pub seed: u64,
    /// Number of threads, if it was given.
    pub threads: Option<usize>,
}

impl Context {
    /// Takes the global options over. Threads are started here only when their number is given; otherwise rayon starts
    /// them at their first use, so that cheap commands never do.
    ///
    /// # Errors
    /// If the operating system refuses the threads.
    pub fn new(args: &GlobalArgs) -> Result<Self, Failure> {
        if let Some(n) = args.threads {
            let hint = "ask for fewer with --threads";
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build_global();
            pool.map_err(|e| Failure::caused_by("threads", &e, hint))?;
        }
        Ok(Self { json: args.json, quiet: args.quiet, seed: args.seed, threads: args.threads })
    }

    /// A message to stderr, unless `--quiet`.
    pub fn note(&self, message: &str) {
        if !self.quiet {
            // A closed stderr is no reason to stop the work.
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }

    /// A progress bar over `total` units of work; it shows only on a terminal and without `--quiet`.
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        if self.quiet || !std::io::stderr().is_terminal() {
            return Progress { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {eta} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_string());
        Progress { bar }
    }
}

/// A progress bar on stderr, or nothing. Gone from the screen once dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// `done` units of work are finished.
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// `done` of `total` units of work are finished.
    pub fn set_of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    /// Text after the bar, for example the loss of the epoch.
    pub fn message(&self, text: impl Into<String>) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text.into());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
