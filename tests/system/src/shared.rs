//! The real logs, which are not part of the project.

use std::fs;
use std::path::PathBuf;

use crate::binary::workspace;

/// Names the directory that holds `data/*.ndjson.zst`; beside the workspace without it.
pub const SHARED: &str = "TRAWL_SHARED";

/// The real logs, compressed with zstd, in the order of their names. `None`, with the reason printed, where there
/// are none: a test that needs them ends there.
pub fn real_logs(test: &str) -> Option<Vec<PathBuf>> {
    let shared = std::env::var_os(SHARED).map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let data = shared.join("data");
    let entries = fs::read_dir(&data).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".ndjson.zst"));
    files.sort();
    if files.is_empty() {
        println!("skipped {test}: no real logs in {} ({SHARED} names another place)", data.display());
        return None;
    }
    Some(files)
}
