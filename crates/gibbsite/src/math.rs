//! Elementary functions as straight-line polynomials, so that loops over chains vectorise; the same bits on every instruction set.
