//! Scan workers as a pool of threads.
//!
//! A scan keeps a core busy and blocks in file reads, so it has no place on the threads that serve
//! requests. Tasks wait in order for a free thread; one whose caller is gone is not begun, or told to stop.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::lock;
use trawl_query::Stop;

use crate::ports::{Result, ScanResult, ScanTask, StoreError, Workers};

/// A pool that runs tasks with `W`. Dropping it lets running tasks end and forgets the rest.
pub struct LocalWorkers<W> {
    pool: Arc<Pool>,
    threads: Vec<JoinHandle<()>>,
    work: PhantomData<fn() -> W>,
}

impl<W> fmt::Debug for LocalWorkers<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWorkers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    closed: bool,
}

struct Job {
    task: ScanTask,
    stop: Stop,
    done: oneshot::Sender<Result<ScanResult>>,
}

impl<W: Fn(ScanTask, Stop) -> Result<ScanResult> + Send + Sync + 'static> LocalWorkers<W> {
    /// A pool of `threads` threads (at least one) that run tasks with `work`, which ends soon once it is told to stop. A
    /// stage written as a future becomes such a function by [`blocking`].
    ///
    /// # Errors
    /// `Transient` when the operating system gives no more threads.
    pub fn new(threads: usize, work: W) -> Result<Self> {
        let mut workers = Self { pool: Arc::default(), threads: Vec::new(), work: PhantomData };
        let work = Arc::new(work);
        for number in 0..threads.max(1) {
            let (pool, work) = (workers.pool.clone(), work.clone());
            // Threads of their own: see the module.
            #[allow(clippy::disallowed_methods)]
            let thread = std::thread::Builder::new()
                .name(format!("trawl-scan-{number}"))
                .spawn(move || pool.serve(&*work))
                .map_err(|error| StoreError::Transient(format!("cannot start a scan worker: {error}")))?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }
}

/// Makes a function out of one that gives a future, which is run to its end on the calling thread.
/// It may use timers, but no sockets.
pub fn blocking<F>(
    work: impl Fn(ScanTask, Stop) -> F + Send + Sync,
) -> impl Fn(ScanTask, Stop) -> Result<ScanResult> + Send + Sync
where
    F: Future<Output = Result<ScanResult>>,
{
    move |task, stop| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| StoreError::Transient(format!("cannot run a scan: {error}")))?;
        runtime.block_on(work(task, stop))
    }
}

impl Pool {
    /// Runs tasks until the pool is closed.
    fn serve(&self, work: &dyn Fn(ScanTask, Stop) -> Result<ScanResult>) {
        loop {
            let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
            let state = self.changed.wait_while(lock(&self.state), idle);
            let job = {
                let mut state = state.unwrap_or_else(PoisonError::into_inner);
                if state.closed {
                    return;
                }
                state.waiting.pop_front()
            };
            let Some(Job { task, stop, done }) = job else { continue };
            if done.is_closed() {
                continue;
            }
            // A task that panics fails alone. What it shared with others are the ports, each whole
            // between any two calls.
            let outcome = catch_unwind(AssertUnwindSafe(|| work(task, stop))).unwrap_or_else(|panic| {
                let reason = panic_text(&*panic);
                Err(StoreError::Permanent(format!("the scan worker panicked: {reason}")))
            });
            drop(done.send(outcome)); // who waited may be gone, which is fine
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

impl<W> Drop for LocalWorkers<W> {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.pool.state);
            state.closed = true;
            state.waiting.clear();
        }
        self.pool.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Tasks cannot panic through `serve`, and there is nobody to tell.
            drop(thread.join());
        }
    }
}

/// Who waits for a task. When it goes, the task may stop.
struct Caller(Stop);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl<W: Send + Sync> Workers for LocalWorkers<W> {
    async fn run(&self, task: ScanTask) -> Result<ScanResult> {
        let (done, answer) = oneshot::channel();
        let caller = Caller(Stop::new());
        lock(&self.pool.state).waiting.push_back(Job { task, stop: caller.0.clone(), done });
        self.pool.changed.notify_one();
        answer.await.map_err(|_| StoreError::Transient("the scan workers have ended".into()))?
    }

    fn parallelism(&self) -> usize {
        self.threads.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use super::*;
    use crate::conformance;
    use crate::conformance::workers::{NUMBER_THAT_FAILS, NUMBER_THAT_PANICS, task};

    /// What the suite expects of a worker: see [`conformance::workers()`].
    fn answer(task: ScanTask, _: Stop) -> Result<ScanResult> {
        match task.number {
            NUMBER_THAT_FAILS => Err(StoreError::Throttled("on purpose".into())),
            NUMBER_THAT_PANICS => panic!("on purpose"),
            number => Ok(ScanResult { events_matched: u64::from(number), ..ScanResult::default() }),
        }
    }

    #[tokio::test]
    async fn threads_behave_as_workers() {
        conformance::workers(async || LocalWorkers::new(3, answer).unwrap()).await;
    }

    #[tokio::test]
    async fn a_stage_that_is_a_future_runs_on_the_pool() {
        conformance::workers(async || {
            let work = blocking(|task, stop| async {
                tokio::time::sleep(std::time::Duration::ZERO).await;
                answer(task, stop)
            });
            LocalWorkers::new(1, work).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn as_many_tasks_run_at_once_as_there_are_threads() {
        let meeting = Barrier::new(4);
        let work = move |task: ScanTask, stop| {
            meeting.wait();
            answer(task, stop)
        };
        let workers = LocalWorkers::new(4, work).unwrap();
        let run = |number| workers.run(task(number));
        let results = tokio::join!(run(0), run(1), run(2), run(3));
        let results = [results.0, results.1, results.2, results.3];
        assert_eq!(results.map(|result| result.unwrap().events_matched), [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn a_task_whose_caller_is_gone_is_not_begun() {
        let begun = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Barrier::new(2));
        let work = {
            let (begun, gate) = (begun.clone(), gate.clone());
            move |task: ScanTask, stop| {
                begun.fetch_add(1, Ordering::SeqCst);
                if task.number == 0 {
                    gate.wait();
                }
                answer(task, stop)
            }
        };
        let workers = LocalWorkers::new(1, work).unwrap();
        let mut first = Box::pin(workers.run(task(0)));
        let mut second = Box::pin(workers.run(task(1)));
        for run in [&mut first, &mut second] {
            assert!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(second);
        gate.wait();
        assert_eq!(first.await.unwrap().events_matched, 0);
        assert_eq!(workers.run(task(2)).await.unwrap().events_matched, 2);
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_task_whose_caller_goes_is_told_to_stop() {
        let begun = Arc::new(Barrier::new(2));
        let work = {
            let begun = begun.clone();
            move |task: ScanTask, stop: Stop| {
                if task.number == 0 {
                    begun.wait();
                    while !stop.is_set() {
                        std::hint::spin_loop();
                    }
                }
                answer(task, stop)
            }
        };
        let workers = LocalWorkers::new(1, work).unwrap();
        let mut first = Box::pin(workers.run(task(0)));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        begun.wait();
        drop(first);
        assert_eq!(workers.run(task(1)).await.unwrap().events_matched, 1, "the thread is free again");
    }
}
