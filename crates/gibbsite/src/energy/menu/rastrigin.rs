//! Rastrigin's function: a bowl with a lattice of minima.

use super::{ANY, DIM, Dims, Entry, Param};

pub(super) const RASTRIGIN: Entry = Entry {
    name: "rastrigin",
    about: "a bowl with a minimum near every integer; log Z = -1.484564850 per dimension at A = 10",
    source: "Rastrigin 1974; Muehlenbein, Schomisch and Born 1991, eq. 6",
    params: &[
        Param { name: "d", default: 2.0, about: "dimensions", range: DIM },
        Param { name: "A", default: 10.0, about: "depth of the ripples", range: ANY },
    ],
    dims: Dims::AtLeast(1),
    formula: "sum(i, 1..d, A + x[i]^2 - A*cos(2*pi*x[i]))",
    bounds: &[],
    log_z: None,
};
