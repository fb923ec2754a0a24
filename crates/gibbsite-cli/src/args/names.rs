//! The names that options accept; clap lists them in the help and suggests the nearest.

/// `--sampler` of `sample` and `fit`.
pub const SAMPLERS: [&str; 15] = [
    "auto",
    "grid",
    "rwm",
    "ula",
    "mala",
    "hmc",
    "nuts",
    "underdamped",
    "slice",
    "ensemble",
    "gibbs",
    "gwg",
    "cluster",
    "wolff",
    "tempering",
];

/// Those of energies of labels.
pub const LABEL_SAMPLERS: [&str; 6] = ["auto", "gibbs", "gwg", "cluster", "wolff", "tempering"];

/// Methods of `logz` for energies of labels.
pub const LABEL_LOGZ_METHODS: [&str; 7] = ["auto", "exact", "ais", "smc", "bridge", "ti", "stepping-stone"];

/// `--method` of `logz`.
pub const LOGZ_METHODS: [&str; 12] = [
    "auto",
    "exact",
    "simpson",
    "adaptive",
    "importance",
    "ais",
    "smc",
    "bridge",
    "ti",
    "stepping-stone",
    "laplace",
    "harmonic-mean",
];

/// `--objective` of `fit`.
pub const OBJECTIVES: [&str; 5] = ["auto", "mle", "cd", "pcd", "ism"];

/// `--optimizer` of `fit`.
pub const OPTIMIZERS: [&str; 3] = ["sgd", "momentum", "adam"];

/// `--sampler` of `fit`.
pub const CHAIN_SAMPLERS: [&str; 2] = ["ula", "mala"];

/// `--lr-decay` of `fit`.
pub const DECAYS: [&str; 3] = ["constant", "inverse", "cosine"];

/// `--start` of `fit`.
pub const POOL_STARTS: [&str; 2] = ["data", "noise"];

/// `--kind` of `plot`.
pub const PLOT_KINDS: [&str; 5] = ["auto", "landscape", "traces", "ranks", "energies"];
