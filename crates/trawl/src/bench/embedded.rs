//! A server in this process, over a data directory, whose scan workers read through a model of S3.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trawl_client::Client;
use trawl_store::local::objects::LocalObjects;
use trawl_store::model::{ModelledObjects, S3Timing, Usage};

use crate::local::node::{Node, Settings};
use crate::local::server;
use trawl_store::local::System;

/// Longer than any benchmark: the tail stays where it is, so that equal searches find equal work.
const NEVER: Duration = Duration::from_secs(7 * 24 * 3600);
/// Shards of a directory that `trawl local` made.
const SHARDS: u16 = 2;

type Modelled = Arc<ModelledObjects<Arc<LocalObjects>, System>>;

/// The server. It reads at the speed of files; what S3 would take is added up beside.
pub struct Embedded {
    dir: PathBuf,
    runtime: Runtime,
    node: Node,
    serving: JoinHandle<std::io::Result<()>>,
    stop: oneshot::Sender<()>,
    client: Client,
    objects: Modelled,
}

impl Embedded {
    /// Opens a directory that no server has open.
    pub fn open(dir: &Path, timing: S3Timing) -> anyhow::Result<Self> {
        anyhow::ensure!(
            dir.join("catalog.sqlite").is_file(),
            "{} is no data directory of `trawl local`",
            dir.display()
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let settings = Settings { shards: SHARDS, flush_age: NEVER, flush_bytes: u64::MAX, ..Settings::on_loopback() };
        let mut modelled: Option<Modelled> = None;
        let scanned = |objects| {
            let objects = Arc::new(ModelledObjects::accounting_only(objects, timing));
            modelled.insert(objects).clone()
        };
        let node = runtime
            .block_on(Node::open_scanning(dir, &settings, scanned))
            .with_context(|| format!("cannot open {}", dir.display()))?;
        let objects = modelled.context("the scan workers have no objects")?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("cannot listen on 127.0.0.1")?;
        let client = Client::new(&format!("http://{}", listener.local_addr()?), None)?;
        let (stop, stopped) = oneshot::channel();
        let until_stopped = async {
            // Dropping the sender means the same as sending.
            let _ = stopped.await;
        };
        let serving = runtime.spawn(server::serve(listener, node.router(), until_stopped));
        Ok(Self { dir: dir.to_path_buf(), runtime, node, serving, stop, client, objects })
    }

    /// The directory, for people.
    pub fn name(&self) -> String {
        self.dir.display().to_string()
    }

    /// A client of it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What its scan workers have asked of the object store.
    pub fn usage(&self) -> Usage {
        self.objects.usage()
    }

    /// Ends it; the data is as it was.
    pub fn close(self) -> anyhow::Result<()> {
        // Nobody listens if the server failed: then its own error follows.
        let _ = self.stop.send(());
        let served = self.runtime.block_on(self.serving);
        self.runtime.block_on(self.node.close());
        served.context("the server failed")?.context("the server failed")
    }
}

#[cfg(test)]
mod tests {
    use trawl_client::Encoding;
    use trawl_store::model::CONNECTION_BYTES_PER_SECOND;

    use super::*;
    use crate::bench::figures::Growth;
    use crate::bench::measure::{Plan, measure};
    use crate::bench::target::Target;

    fn made(dir: &Path) -> Embedded {
        let runtime = Runtime::new().unwrap();
        let settings = Settings { shards: SHARDS, flush_age: NEVER, flush_bytes: u64::MAX, ..Settings::on_loopback() };
        let node = runtime.block_on(Node::open(dir, &settings)).unwrap();
        runtime.block_on(node.close());
        // Tasks that were aborted let go of the directory when the runtime ends.
        drop(runtime);
        Embedded::open(dir, S3Timing::default()).unwrap()
    }

    #[test]
    fn a_directory_is_measured_with_its_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        let embedded = made(dir.path());
        let line = |n: u32| format!("{{\"message\":\"stored blk_{n:016}\",\"service\":\"hdfs\",\"level\":\"info\"}}\n");
        let lines: String = (0..300).map(line).collect();
        embedded.client().push(lines.as_bytes(), Encoding::Identity, Some("once")).unwrap();
        let plan = Plan { queries: Vec::new(), runs: 2, limit: 100 };
        let without = measure(Target::Embedded(&embedded), &plan, |_| {}).unwrap_err();
        assert!(without.to_string().contains("no segments"), "{without}");

        embedded.client().compact().unwrap();
        let figures = measure(Target::Embedded(&embedded), &plan, |_| {}).unwrap();
        assert_eq!((figures.data.events, figures.data.segments), (300, 1));
        assert_eq!(figures.classes.len(), 11);
        for class in &figures.classes {
            assert_eq!(class.round_trips, Some(1), "a small segment is read whole: {class:?}");
            let s3_ms = 30.0 + class.bytes_read as f64 / CONNECTION_BYTES_PER_SECOND as f64 * 1000.0;
            assert!((class.s3_ms.unwrap() - s3_ms).abs() < 0.01, "{class:?}");
        }
        let class = |name| figures.class(name).unwrap();
        assert_eq!((class("word, absent").events_matched, class("word, rare").events_matched), (0, 1));
        assert_eq!(class("word, frequent").growth, Growth::Constant);
        assert_eq!(class("top").growth, Growth::WithData);
        embedded.close().unwrap();
    }

    #[test]
    fn what_is_no_data_directory_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let reason = Embedded::open(dir.path(), S3Timing::default()).err().map(|error| error.to_string());
        assert!(reason.is_some_and(|reason| reason.contains("no data directory")));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
