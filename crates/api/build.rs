//! `openapi.yaml` → JSON, as it is served.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let yaml = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.yaml");
    println!("cargo::rerun-if-changed={}", yaml.display());
    let description: serde_json::Value = serde_saphyr::from_str(&fs::read_to_string(&yaml)?)?;
    let out = Path::new(&env::var("OUT_DIR")?).join("openapi.json");
    fs::write(out, serde_json::to_vec(&description)?)?;
    Ok(())
}
