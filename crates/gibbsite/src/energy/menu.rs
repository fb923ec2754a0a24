//! The menu: named energies with known normalisers or reference moments. One file per energy.
