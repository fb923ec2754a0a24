//! The binary `gibbsite`.
fn main() {}
