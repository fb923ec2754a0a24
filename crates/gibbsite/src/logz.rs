//! log Z = log of the integral of exp(-E(x)), with an error and bounds. One file per estimator.
