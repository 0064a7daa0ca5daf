//! How this process takes memory from the system.

/// Allocations from here on are mappings of their own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES: libc::c_int = 4 * 1024 * 1024;

/// Lets every allocation of 4 MiB or more go back to the system as soon as it is freed; to be called as the process
/// starts.
///
/// Columns, pages and results of many sizes come and go on many threads. The C library learns from them to keep ever
/// larger allocations (up to 32 MiB) in its per-thread heaps, where freed ones lie between those in use: after the largest
/// events were pushed and compacted that was half of what was resident. A fixed threshold ends the learning. Does nothing
/// where the C library is another.
pub fn return_large_allocations() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes two integers, touches nothing of ours, and locks what it changes.
    #[allow(unsafe_code)]
    let is_taken = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES) };
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    debug_assert_eq!(is_taken, 1, "the threshold is within the bounds of the C library");
}
