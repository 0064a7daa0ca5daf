//! `trawl simulate`: believable events of made-up services, to try things out or to put a server under load.

pub mod rng;
pub mod world;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use trawl_client::Client;
use trawl_event::Timestamp;
use trawl_event::limits::MAX_EVENT_BYTES;
use trawl_event::timestamp::NS_PER_SECOND;

use crate::sender::{self, Batch, Queue, Stopped, Tally};
use crate::{EXIT_NOTHING, signal, units};
use world::World;

/// How often events go out.
const TICK: Duration = Duration::from_millis(100);
/// Bytes of events in a request, at most: the server makes one stream record of it.
const BATCH_BYTES: usize = MAX_EVENT_BYTES;
/// Requests at a time.
const CONNECTIONS: usize = 4;
/// A bursty load repeats after so many seconds …
const CYCLE_SECONDS: f64 = 10.0;
/// … of which it spends these at [`BURST_RATE`] times the mean rate,
const BURST_SECONDS: f64 = 2.0;
/// and the rest at what makes the mean come out right.
const BURST_RATE: f64 = 3.0;

const EXAMPLES: &str = "\
Examples:
  trawl simulate                                  100 events a second, for 10 seconds
  trawl simulate --rate 20000 --seconds 60 --bursty
  trawl simulate --stdout --seed 7 --start 2026-03-02T00:00:00Z > events.ndjson

The same seed gives the same events, but for their times; with --stdout and --start those too.";

/// How much of what to send.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// Events per second, on average.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: u64,
    /// How long.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// What the events follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many services log.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub services: u16,
    /// In bursts of 2 seconds at 3 times the rate, with 8 quieter seconds between them.
    #[arg(long)]
    pub bursty: bool,
    /// Write NDJSON to stdout, as fast as it goes, instead of sending it.
    #[arg(long)]
    pub stdout: bool,
    /// The time of the first event; now without it.
    #[arg(long, value_name = "TIME", requires = "stdout", value_parser = parse_start)]
    pub start: Option<Timestamp>,
}

fn parse_start(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| format!("expected a time such as 2026-03-02T00:00:00Z, found {text:?}"))
}

/// Sends or writes the events.
pub fn run(client: impl FnOnce() -> anyhow::Result<Client>, args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    if args.stdout { write(args, io::stdout().lock()) } else { send(&client()?, args) }
}

/// When events are due.
#[derive(Debug, Clone, Copy)]
struct Load {
    rate: f64,
    bursty: bool,
}

impl Load {
    fn new(args: &SimulateArgs) -> Self {
        Self { rate: args.rate as f64, bursty: args.bursty }
    }

    /// How many events are due in the first `seconds`.
    fn due(self, seconds: f64) -> u64 {
        if !self.bursty {
            return (seconds * self.rate) as u64;
        }
        let quiet_rate = (CYCLE_SECONDS - BURST_SECONDS * BURST_RATE) / (CYCLE_SECONDS - BURST_SECONDS);
        let (cycles, in_cycle) = ((seconds / CYCLE_SECONDS).floor(), seconds % CYCLE_SECONDS);
        let burst = in_cycle.min(BURST_SECONDS) * BURST_RATE;
        let quiet = (in_cycle - BURST_SECONDS).max(0.0) * quiet_rate;
        ((cycles * CYCLE_SECONDS + burst + quiet) * self.rate) as u64
    }
}

/// Writes all events at once, with the times they would have had.
fn write(args: &SimulateArgs, out: impl Write) -> anyhow::Result<ExitCode> {
    let load = Load::new(args);
    let mut world = World::new(args.seed, usize::from(args.services));
    let mut out = BufWriter::new(out);
    let start = args.start.unwrap_or_else(now);
    let (mut written, mut text) = (0, Vec::new());
    let tick = TICK.as_nanos() as i64;
    let ticks_per_second = NS_PER_SECOND / tick;
    for number in 0..args.seconds.saturating_mul(ticks_per_second as u64) as i64 {
        let due = load.due((number + 1) as f64 / ticks_per_second as f64) - written;
        for place in 0..due {
            let at = start.plus_ns(number * tick + tick * place as i64 / due as i64);
            text.clear();
            world.next(at, &mut text);
            out.write_all(&text)?;
        }
        written += due;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn send(client: &Client, args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let reported = stop_at_interrupt(&interrupted)?;
    let tally = Arc::new(Tally::default());
    let began = Instant::now();
    let (made, failure) = sender::send_all(
        client,
        CONNECTIONS,
        &tally,
        |batch, answer| {
            if let Err(error) = answer {
                anstream::eprintln!("trawl: {} refused: {error}", units::counted(batch.events(), "event"));
            }
        },
        |queue| make(args, queue, &interrupted),
    );
    let seconds = began.elapsed().as_secs_f64();
    let accepted = tally.accepted.load(Ordering::Relaxed);
    anstream::eprintln!(
        "sent {} of {} in {seconds:.1} s: {}/s, {} ({} sent)",
        units::counted(accepted, "event"),
        units::count(made),
        units::counted(units::per_second(accepted, seconds), "event"),
        units::size(tally.raw_bytes.load(Ordering::Relaxed)),
        units::size(tally.wire_bytes.load(Ordering::Relaxed)),
    );
    drop(reported);
    match failure {
        Some(failure) => Err(failure.error),
        None if accepted < made => Ok(ExitCode::from(EXIT_NOTHING)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Makes events at their pace. Gives how many it handed over.
fn make(args: &SimulateArgs, queue: &Queue<'_>, interrupted: &AtomicBool) -> u64 {
    let load = Load::new(args);
    let mut world = World::new(args.seed, usize::from(args.services));
    // Every run is new events: its keys begin with a number of its own.
    let run: u64 = rand::random();
    let (mut made, mut number) = (0, 0_u64);
    let began = Instant::now();
    let mut tick_began = now();
    let whole = Duration::from_secs(args.seconds);
    while !interrupted.load(Ordering::Relaxed) {
        let elapsed = began.elapsed().min(whole);
        let due = load.due(elapsed.as_secs_f64()) - made;
        let tick_ends = now();
        let mut left = due;
        while left > 0 {
            let mut batch = Batch {
                body: Vec::new(),
                lines: Vec::new(),
                source: "simulation".into(),
                idempotency_key: format!("simulate-{run:016x}-{number}"),
            };
            while left > 0 && batch.body.len() < BATCH_BYTES {
                let length = tick_ends.0.saturating_sub(tick_began.0).max(0);
                let place = (due - left) as f64 / due as f64;
                world.next(tick_began.plus_ns((length as f64 * place) as i64), &mut batch.body);
                left -= 1;
                batch.lines.push(made + due - left);
            }
            number += 1;
            let events = batch.events();
            if let Err(Stopped) = queue.put(batch) {
                return made + due - left - events;
            }
        }
        made += due;
        tick_began = tick_ends;
        if elapsed == whole {
            break;
        }
        thread::sleep(TICK.saturating_sub(began.elapsed().saturating_sub(elapsed)).min(whole - elapsed));
    }
    made
}

/// Lets Ctrl-C end the making of events; the process ends once those that were made are answered and
/// reported, which the sender's end tells.
fn stop_at_interrupt(interrupted: &Arc<AtomicBool>) -> anyhow::Result<Sender<()>> {
    let interrupted = Arc::clone(interrupted);
    let (reported, wait) = channel();
    signal::on_interrupt(0, move || {
        interrupted.store(true, Ordering::Relaxed);
        // The only news on this channel is its end.
        let _ = wait.recv();
    })?;
    Ok(reported)
}

fn now() -> Timestamp {
    // A clock before 1970 or after 2262 is no clock.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(bursty: bool) -> SimulateArgs {
        SimulateArgs {
            rate: 50,
            seconds: 20,
            seed: 3,
            services: 5,
            bursty,
            stdout: true,
            start: Timestamp::parse("2026-03-02T00:00:00Z"),
        }
    }

    #[test]
    fn the_mean_rate_is_kept_with_and_without_bursts() {
        for bursty in [false, true] {
            let load = Load { rate: 1000.0, bursty };
            assert_eq!(load.due(20.0), 20_000);
            let counts: Vec<_> = (0..200).map(|tick| load.due(f64::from(tick) / 10.0)).collect();
            assert!(counts.is_sorted());
        }
        let load = Load { rate: 1000.0, bursty: true };
        assert_eq!((load.due(2.0), load.due(10.0), load.due(12.0)), (6000, 10_000, 16_000));
    }

    #[test]
    fn what_is_written_is_the_same_again_and_in_time_order() {
        for bursty in [false, true] {
            let (mut first, mut second) = (Vec::new(), Vec::new());
            write(&args(bursty), &mut first).unwrap();
            write(&args(bursty), &mut second).unwrap();
            assert!(first == second);
            let text = String::from_utf8(first).unwrap();
            let times: Vec<&str> = text.lines().map(|line| &line[..36]).collect();
            assert_eq!(times.len(), 1000);
            assert!(times.is_sorted());
        }
    }
}
