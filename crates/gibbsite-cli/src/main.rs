//! The binary `gibbsite`.
mod plot;
fn main() {}
