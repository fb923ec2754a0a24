//! Pictures of energy landscapes, densities, draws and walks, as SVG or PNG.
//!
//! Numbers in, file out: nothing here evaluates an energy. A picture is first laid out as a [`scene::Scene`] (a list of
//! shapes in pixels), then written by one of two small back ends, so both formats show the same thing. The PNG back end
//! carries its own font, since the machine that runs it may have none.
//!
//! The same input gives the same bytes, and a file appears whole or not at all.

mod axis;
mod bins;
mod clip;
mod colour;
mod contour;
mod crowd;
mod energies;
mod error;
mod file;
mod font;
#[cfg(test)]
mod gallery;
mod histogram;
mod landscape_1d;
mod landscape_2d;
mod legend;
mod map;
mod marks;
mod panel;
mod png;
mod range;
mod ranks;
mod scene;
mod svg;
mod traces;
mod transitions;

pub use energies::energy_histograms;
pub use error::PlotError;
pub use landscape_1d::{Landscape, landscape_1d};
pub use landscape_2d::{Grid2, Plane, landscape_2d};
pub use ranks::{RankPanel, ranks};
pub use traces::traces;
pub use transitions::energy_transitions;
