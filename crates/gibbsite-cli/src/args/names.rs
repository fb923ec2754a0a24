//! The names that options accept; clap lists them in the help and suggests the nearest.

/// `--sampler` of `sample` and `fit`.
pub const SAMPLERS: [&str; 6] = ["auto", "grid", "rwm", "ula", "mala", "hmc"];

/// `--method` of `logz`.
pub const LOGZ_METHODS: [&str; 5] = ["auto", "exact", "simpson", "adaptive", "importance"];

/// `--objective` of `fit`.
pub const OBJECTIVES: [&str; 5] = ["auto", "mle", "cd", "pcd", "ism"];

/// `--optimizer` of `fit`.
pub const OPTIMIZERS: [&str; 3] = ["sgd", "momentum", "adam"];
