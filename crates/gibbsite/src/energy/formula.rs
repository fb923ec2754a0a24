//! Energies written as formulas.
