//! Energies of labels: what they say of one label, sums over all states, and kernels that leave them alone.

#[path = "discrete/energies.rs"]
mod energies;
#[path = "discrete/enumeration.rs"]
mod enumeration;
#[path = "discrete/invariance.rs"]
mod invariance;
#[path = "discrete/logz.rs"]
mod logz;
#[path = "discrete/tori.rs"]
mod tori;
