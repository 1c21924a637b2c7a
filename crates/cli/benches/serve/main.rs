//! How fast `levee serve` answers.
fn main() {}
