//! Services and their server are killed at random; each event that was accepted is there, once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use trawl_system::chance::Chance;
use trawl_system::proxy::Proxy;
use trawl_system::search::{count, find};
use trawl_system::server::Server;
use trawl_system::wait;

/// What the run follows from, and those after it.
const SEED: u64 = 20_261_128;
/// Names how many seeds are tried; one without it.
const SEEDS: &str = "TRAWL_DELIVERY_SEEDS";
/// How often something is killed or started.
const TURNS: usize = 40;
/// Services that log at a time.
const INSTANCES: u32 = 3;
/// Most requests that are accepted, of all services, between two turns.
const MAX_ACCEPTED_BETWEEN_TURNS: usize = 150;
/// Answers in a hundred that are lost, whoever lives.
const LOST_ANSWERS: usize = 10;
/// The longest that any one thing may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Often and small, so that a kill meets a batch at each stage.
const SERVICE: [&str; 7] = ["--report-accepted", "--rate", "200", "--batch-bytes", "4096", "--batch-age-ms", "20"];
/// So that a kill meets the persister at work.
const SERVER: [&str; 4] = ["--flush-age", "20ms", "--flush-bytes", "256KiB"];

/// A request as a service names it: instance, run, number.
type Name = (u32, u32, u64);

/// A service and its lives so far.
struct Service {
    instance: u32,
    runs: u32,
    url: String,
    spool: PathBuf,
    /// Requests accepted by all services, for the turns to wait on.
    progress: Arc<AtomicUsize>,
    /// Requests accepted in this life.
    said: Arc<AtomicUsize>,
    life: Option<(Child, JoinHandle<Vec<u64>>)>,
    accepted: HashSet<Name>,
}

impl Service {
    fn start(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_service_a"))
            .args(SERVICE)
            .args(["--url", &self.url, "--spool"])
            .arg(&self.spool)
            .args(["--instance", &self.instance.to_string(), "--run", &self.runs.to_string()])
            .env_remove("TRAWL_API_KEY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        self.said = Arc::default();
        let (progress, said) = (Arc::clone(&self.progress), Arc::clone(&self.said));
        let reader = thread::spawn(move || {
            let mut numbers = Vec::new();
            let mut lines = BufReader::new(stdout);
            loop {
                let mut line = String::new();
                // A line without its end was not written whole.
                if lines.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                    return numbers;
                }
                numbers.push(line.trim().parse().unwrap());
                progress.fetch_add(1, Ordering::Relaxed);
                said.fetch_add(1, Ordering::Relaxed);
            }
        });
        self.life = Some((child, reader));
    }

    /// What was accepted counts, whichever way the process ended.
    fn ended(&mut self, mut child: Child, reader: JoinHandle<Vec<u64>>) {
        child.wait().unwrap();
        let numbers = reader.join().unwrap();
        self.accepted.extend(numbers.into_iter().map(|number| (self.instance, self.runs, number)));
        self.runs += 1;
    }

    fn kill(&mut self) {
        let (mut child, reader) = self.life.take().unwrap();
        child.kill().unwrap();
        self.ended(child, reader);
    }

    /// Ctrl-C: it sends what it has, and ends.
    fn stop(&mut self) {
        // One that has only just begun does not listen for signals yet.
        wait::until("the service works", PATIENCE, || (self.said.load(Ordering::Relaxed) > 0).then_some(()));
        let (mut child, reader) = self.life.take().unwrap();
        let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let status = wait::until("the service ends", PATIENCE, || child.try_wait().unwrap());
        assert!(status.success(), "instance {} ended with {status}", self.instance);
        self.ended(child, reader);
    }

    /// Files of the spool that still hold events.
    fn spooled_files(&self) -> usize {
        let entries = std::fs::read_dir(&self.spool).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some()).count()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.life {
            let _ = child.kill();
        }
    }
}

/// The server's lives, behind one address.
struct Place {
    data: PathBuf,
    proxy: Proxy,
    server: Option<Server>,
    kills: usize,
}

impl Place {
    fn new(data: &Path, seed: u64) -> Self {
        let server = Server::start(data, &SERVER);
        let proxy = Proxy::start(server.address(), LOST_ANSWERS, seed);
        Self { data: data.to_owned(), proxy, server: Some(server), kills: 0 }
    }

    fn turn(&mut self) {
        match self.server.take() {
            Some(server) => {
                server.kill();
                self.kills += 1;
            }
            None => self.start(),
        }
    }

    fn start(&mut self) {
        // At a port of its own: that of the life before may be somebody else's by now.
        let server = Server::start(&self.data, &SERVER);
        self.proxy.lead_to(server.address());
        self.server = Some(server);
    }
}

fn name(event: &Value) -> Name {
    let number = |field: &str| event[field].as_u64().unwrap_or_else(|| panic!("{field} of {event}"));
    (number("instance") as u32, number("run") as u32, number("n"))
}

#[test]
fn each_accepted_event_is_there_once_though_services_and_server_are_killed() {
    let seeds = std::env::var(SEEDS).map_or(1, |seeds| seeds.parse().unwrap());
    (SEED..SEED + seeds).for_each(run);
}

fn run(seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(seed);
    let mut place = Place::new(&directory.path().join("data"), seed);
    let progress = Arc::new(AtomicUsize::new(0));
    let mut services: Vec<Service> = (0..INSTANCES)
        .map(|instance| Service {
            instance,
            runs: 0,
            url: place.proxy.url(),
            spool: directory.path().join(format!("spool-{instance}")),
            progress: Arc::clone(&progress),
            said: Arc::default(),
            life: None,
            accepted: HashSet::new(),
        })
        .collect();
    services.iter_mut().for_each(Service::start);

    for _ in 0..TURNS {
        let enough = progress.load(Ordering::Relaxed) + 1 + chance.below(MAX_ACCEPTED_BETWEEN_TURNS);
        wait::until("requests are accepted", PATIENCE, || (progress.load(Ordering::Relaxed) >= enough).then_some(()));
        if chance.percent(50) {
            place.turn();
        } else {
            let victim = chance.below(services.len());
            services[victim].kill();
            services[victim].start();
        }
    }
    if place.server.is_none() {
        place.start();
    }
    services.iter_mut().for_each(Service::stop);

    let client = place.server.as_ref().unwrap().client();
    let mut times_seen: HashMap<(Name, String), usize> = HashMap::new();
    let mut answered = HashSet::new();
    let events = find(&client, "*");
    for event in &events {
        let message = event["message"].as_str().unwrap().to_owned();
        if message == "request was answered" {
            answered.insert(name(event));
        }
        *times_seen.entry((name(event), message)).or_default() += 1;
    }
    let twice: Vec<_> = times_seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seed {seed}: there more than once: {twice:?}");
    let accepted: HashSet<Name> = services.iter().flat_map(|service| service.accepted.iter().copied()).collect();
    let lost: Vec<_> = accepted.difference(&answered).collect();
    assert!(lost.is_empty(), "seed {seed}: {} of {} lost: {lost:?}", lost.len(), accepted.len());
    // A service that is killed between an event's acceptance and its word about it leaves one more.
    let kills: u32 = services.iter().map(|service| service.runs - 1).sum();
    let unsaid = answered.difference(&accepted).count();
    assert!(unsaid <= kills as usize, "seed {seed}: {unsaid} events nobody accepted, {kills} kills");
    assert_eq!(count(&client, "*"), events.len() as u64, "seed {seed}");
    assert_eq!(services.iter().map(Service::spooled_files).sum::<usize>(), 0, "seed {seed}");
    assert!(place.proxy.broken() >= 5, "seed {seed}: only {} answers were lost", place.proxy.broken());
    assert!(place.kills >= 5 && kills >= 5, "seed {seed}: {} and {kills} kills prove little", place.kills);
    println!(
        "seed {seed}: {} events of {} requests, {} server kills, {kills} service kills, {} answers lost",
        events.len(),
        accepted.len(),
        place.kills,
        place.proxy.broken()
    );
}
