//! Statistics of every kernel against closed forms and quadrature, and the negative controls that must fail.

mod energies;
mod exact;
mod fixed;
mod runs;
mod trouble;
mod truths;
mod twins;

use gibbsite::run::Event;

/// For runs whose progress nobody follows.
fn quiet(_: Event) {}
