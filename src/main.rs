//! The program `relatch`.
fn main() {}
