//! Where the command is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// Names the command, where it was built already: `make test` sets it.
pub const BINARY: &str = "TRAWL_BIN";

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).expect("tests/system lies two levels below the workspace")
}

/// The `trawl` command: what [`BINARY`] names, or else one that is built now. Tests run side by side; cargo's lock
/// on the target directory lets one of them build and the others wait for it.
pub fn binary() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| match std::env::var_os(BINARY) {
        Some(path) => {
            let path = workspace().join(path);
            assert!(path.is_file(), "{BINARY} names {}, which is not there", path.display());
            path
        }
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--profile", "quick", "--package", "trawl", "--bin", "trawl"];
    let output = Command::new(cargo)
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "trawl does not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next_back().expect("cargo names the executable it has built")
}
