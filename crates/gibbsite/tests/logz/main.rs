//! log Z, expectations and exact draws in one to three dimensions, against closed forms and 40-digit quadrature.

mod energies;
mod expectations;
mod grid;
mod importance;
mod refused;
mod shapes;
mod simpson;
mod values;
