//! When segments are compacted: now and then, and when somebody asks.

use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use compactor::Compacted;
use tokio::sync::{mpsc, oneshot, watch};

use super::node::LocalCompactor;

/// Asks the thread to compact at once.
pub struct Housekeeper(mpsc::UnboundedSender<oneshot::Sender<anyhow::Result<Compacted>>>);

impl Housekeeper {
    /// Merges all that can be merged; returns when it is done.
    pub async fn compact(&self) -> anyhow::Result<Compacted> {
        let (done, answer) = oneshot::channel();
        self.0.send(done).ok().context("the server is stopping")?;
        answer.await.context("the server is stopping")?
    }
}

/// Starts the thread, which also compacts by itself after each `pause`.
pub fn start(
    compactor: LocalCompactor,
    pause: Duration,
    stopped: &watch::Receiver<bool>,
    threads: &mut Vec<JoinHandle<()>>,
) -> anyhow::Result<Housekeeper> {
    let (request, requested) = mpsc::unbounded_channel();
    let stopped = stopped.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    // A thread of its own: a merge keeps a core busy for seconds.
    #[allow(clippy::disallowed_methods)]
    let thread = std::thread::Builder::new()
        .name("trawl-compact".into())
        .spawn(move || runtime.block_on(run(compactor, pause, requested, stopped)))?;
    threads.push(thread);
    Ok(Housekeeper(request))
}

async fn run(
    compactor: LocalCompactor,
    pause: Duration,
    mut requested: mpsc::UnboundedReceiver<oneshot::Sender<anyhow::Result<Compacted>>>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {
                if let Err(error) = compactor.run(false).await {
                    tracing::error!("cannot compact, trying again later: {error:#}");
                }
            }
            Some(done) = requested.recv() => {
                // Who asked may have gone away.
                let _ = done.send(compactor.run(true).await.map_err(Into::into));
            }
            _ = stopped.changed() => return,
        }
    }
}
