//! Writes the table of what the web UI consists of: every file of `ui/dist`, with its compressed forms beside it.
//! Without one (the UI is built by `make ui`) the table is empty.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the build of the UI leaves of a file that is worth compressing.
const COMPRESSED: [&str; 2] = ["br", "gz"];

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).ok_or_else(|| io::Error::other(format!("{name} is not set")));
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.is_dir() {
        list(&dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for path in files.iter().filter(|path| !is_compressed(path)) {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.strip_prefix(&dist).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let form = |extension: &str| {
            let compressed = PathBuf::from(format!("{}.{extension}", path.display()));
            match files.contains(&compressed) {
                true => format!("Some(include_bytes!({compressed:?}))"),
                false => "None".to_owned(),
            }
        };
        let _ = writeln!(
            table,
            "Asset {{ path: {:?}, plain: include_bytes!({path:?}), brotli: {}, gzip: {} }},",
            format!("/{name}"),
            form(COMPRESSED[0]),
            form(COMPRESSED[1]),
        );
    }
    table.push(']');
    fs::write(Path::new(&variable("OUT_DIR")?).join("assets.rs"), table)
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| COMPRESSED.iter().any(|known| extension == *known))
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
