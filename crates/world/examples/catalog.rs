//! Writes the built-in sample catalogue anew: `cargo xtask catalog`.

fn main() -> std::io::Result<()> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/catalog.csv");
    std::fs::write(file, fullmakt_world::sample_catalog::generate())
}
