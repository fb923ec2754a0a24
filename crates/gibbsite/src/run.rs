//! Chains in blocks over threads, draws, progress events.
