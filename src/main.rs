//! The `socio-bench` binary.
fn main() {}
