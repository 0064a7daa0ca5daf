//! Ctrl-C.

use std::process;
use std::thread;

/// Exit status of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it.
pub const EXIT_INTERRUPTED: i32 = 130;

/// At the first Ctrl-C runs `tidy`, then ends the process with `status`; at the second, ends it at once.
///
/// `tidy` runs on a thread of its own, so it may block.
pub fn on_interrupt(status: i32, tidy: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // The handler is installed before this returns: a Ctrl-C right after must not be lost.
    let mut interrupts = {
        let _entered = runtime.enter();
        interrupts()?
    };
    thread::spawn(move || {
        runtime.block_on(interrupts.next());
        let tidying = thread::spawn(tidy);
        thread::spawn(move || {
            // A panic in `tidy` has been reported by then; the process ends all the same.
            let _ = tidying.join();
            process::exit(status);
        });
        runtime.block_on(interrupts.next());
        process::exit(EXIT_INTERRUPTED);
    });
    Ok(())
}

#[cfg(unix)]
struct Interrupts(tokio::signal::unix::Signal);

#[cfg(unix)]
fn interrupts() -> std::io::Result<Interrupts> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map(Interrupts)
}

#[cfg(unix)]
impl Interrupts {
    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(windows)]
struct Interrupts(tokio::signal::windows::CtrlC);

#[cfg(windows)]
fn interrupts() -> std::io::Result<Interrupts> {
    tokio::signal::windows::ctrl_c().map(Interrupts)
}

#[cfg(windows)]
impl Interrupts {
    async fn next(&mut self) {
        self.0.recv().await;
    }
}
