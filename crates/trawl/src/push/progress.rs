//! What a push tells its user while it runs and at its end, all of it on stderr.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::sender::Tally;
use crate::units;

/// How often the bar is drawn again.
const REDRAW: Duration = Duration::from_millis(200);
/// Refused events that are shown one by one; the rest are only counted.
const MAX_SHOWN: u64 = 10;

/// The progress bar (on a terminal) and the list of what was refused.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: AtomicU64,
    /// Events that were refused before they were sent.
    refused_here: AtomicU64,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins. `total_bytes` is the size of all inputs, where it is known.
    pub fn start(total_bytes: Option<u64>, bytes_read: Arc<AtomicU64>, tally: Arc<Tally>) -> Self {
        // A bar that is no bar when stderr is no terminal: indicatif sees to it.
        let bar = match total_bytes {
            Some(total) => ProgressBar::new(total).with_style(style("{bar:30} {percent:>3}%  {msg}  {eta} left")),
            None => ProgressBar::new_spinner().with_style(style("{spinner} {msg}")),
        };
        let began = Instant::now();
        let (stop, stopped) = channel();
        let drawn = bar.clone();
        let ticker = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(REDRAW) {
                drawn.set_position(bytes_read.load(Ordering::Relaxed));
                drawn.set_message(rates(&tally, began.elapsed()));
                drawn.tick();
            }
        });
        let (shown, refused_here) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { bar, began, shown, refused_here, ticker: Some((stop, ticker)) }
    }

    /// Writes a line above the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| anstream::eprintln!("{line}"));
    }

    /// Reports an event that the server refused, if it is among the first.
    pub fn refused(&self, place: &str, code: &str, message: &str) {
        if self.shown.fetch_add(1, Ordering::Relaxed) < MAX_SHOWN {
            self.say(&format!("{place}: {message} ({code})"));
        }
    }

    /// Counts and reports an event that is not worth sending.
    pub fn refused_here(&self, place: &str, code: &str, message: &str) {
        self.refused_here.fetch_add(1, Ordering::Relaxed);
        self.refused(place, code, message);
    }

    /// Ends the bar and writes the summary. Gives the number of refused events.
    pub fn finish(mut self, tally: &Tally) -> u64 {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            // A panic in the ticker has been reported by then and spoils nothing.
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let refused = load(&tally.refused) + load(&self.refused_here);
        if refused > MAX_SHOWN {
            anstream::eprintln!("… {} refused in all", units::counted(refused, "event"));
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let (accepted, raw) = (load(&tally.accepted), load(&tally.raw_bytes));
        anstream::eprintln!(
            "accepted {}, rejected {}; {} ({} sent) in {seconds:.1} s: {}/s, {}",
            units::counted(accepted, "event"),
            units::count(refused),
            units::size(raw),
            units::size(load(&tally.wire_bytes)),
            units::size(units::per_second(raw, seconds)),
            units::counted(units::per_second(accepted, seconds), "event") + "/s",
        );
        refused
    }
}

fn rates(tally: &Tally, elapsed: Duration) -> String {
    let rate = |counter: &AtomicU64| units::per_second(counter.load(Ordering::Relaxed), elapsed.as_secs_f64());
    format!("{}/s  {}/s", units::size(rate(&tally.raw_bytes)), units::counted(rate(&tally.accepted), "event"))
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a wrong one would show as the plain default bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
