//! A monitor on a thread of its own, fed by whoever has a lane.
//!
//! - [`Live`]: the thread and its handle.
//! - [`steps`]: what the thread does each time it wakes, without a thread or a clock.
//! - [`queue`]: the way of snapshots to whoever reads them: bounded, and what it drops it counts.
//! - [`Clock`]: the machine's monotonic clock.
//!
//! A sampling interval that cannot be observed, because no lane is open or because the thread woke
//! too late for it, is left out and counted (`hardware-sampling.md` 1.7). A tuner's verdict takes
//! effect when it comes; the thread does not wait for it.

mod clock;
mod queue;
mod steps;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use damon_core::Snapshot;
use damon_core::kdamond::{TuneRequest, Verdict};
use damon_core::scheme::Round;
use damon_ring::LaneDoor;

pub use clock::{Clock, MonotonicClock};
pub use queue::{Overflow, QueueCounters, QueueOptions};
pub use steps::{Lateness, LiveConfig, LiveCounters};

use crate::Monitor;
use crate::monitor::MonitorError;
use queue::Queue;
use steps::Steps;

/// Where a live monitor stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveState {
    /// Made, not started: lanes can be had, nothing is drained.
    Ready,
    /// Its thread runs.
    Running,
    /// Stopped: disarmed, drained for the last time; its counters can still be read.
    Stopped,
    /// The thread panicked: a bug of ours, and what it said.
    Failed(String),
}

/// What waits for whoever controls the monitor.
#[derive(Debug)]
pub struct Mail {
    /// Quota windows that opened since the last look, each scheme's last.
    pub requests: Vec<TuneRequest>,
    /// The monitor's clock when the last of them opened.
    pub requested_ns: u64,
    /// Snapshots that wait.
    pub snapshots: usize,
    /// Where the monitor stands.
    pub state: LiveState,
}

/// Handle of a live monitor. Dropping it stops the monitor and waits for its thread.
pub struct Live {
    shared: Arc<Shared>,
    door: LaneDoor,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    /// Held by the thread while it works, not while it sleeps.
    steps: Mutex<Steps>,
    mailbox: Mutex<Mailbox>,
    /// Whether the thread is to end; signalled.
    stop: Mutex<bool>,
    stopping: Condvar,
    clock: Box<dyn Clock>,
    /// Called, from the thread, when there is mail.
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Mailbox {
    queue: Queue,
    requests: Vec<TuneRequest>,
    requested_ns: u64,
    state: LiveState,
}

/// The value behind a lock; after a panic too, whose thread has said so in the state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// Sets up a monitor on `clock`; `wake` is called from its thread whenever there is mail.
    ///
    /// # Errors
    ///
    /// [`MonitorError`].
    pub fn new(
        config: LiveConfig,
        clock: impl Clock + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, MonitorError> {
        let queue = Queue::new(config.queue);
        let steps = Steps::new(config, clock.now_ns())?;
        let door = steps.monitor().door();
        let mailbox =
            Mailbox { queue, requests: Vec::new(), requested_ns: 0, state: LiveState::Ready };
        let shared = Shared {
            steps: Mutex::new(steps),
            mailbox: Mutex::new(mailbox),
            stop: Mutex::new(false),
            stopping: Condvar::new(),
            clock: Box::new(clock),
            wake: Box::new(wake),
        };
        Ok(Self { shared: Arc::new(shared), door, thread: Mutex::new(None) })
    }

    /// Where producers get their lanes; before the start, too.
    pub fn door(&self) -> &LaneDoor {
        &self.door
    }

    /// Starts the thread; monitoring begins now. Does nothing if it was started before.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn start(&self) -> std::io::Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_some() || lock(&self.shared.mailbox).state != LiveState::Ready {
            return Ok(());
        }
        lock(&self.shared.steps).start(self.shared.clock.now_ns());
        // Before the thread is there to say otherwise.
        lock(&self.shared.mailbox).state = LiveState::Running;
        let shared = Arc::clone(&self.shared);
        let name = "kdamond".into();
        match std::thread::Builder::new().name(name).spawn(move || shared.run()) {
            Ok(started) => *thread = Some(started),
            Err(error) => {
                lock(&self.shared.mailbox).state = LiveState::Ready;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Asks the thread to stop: it closes the lanes, drains them for the last time, takes a last
    /// snapshot and wakes the reader. A monitor that was never started does so here.
    pub fn stop(&self) {
        *lock(&self.shared.stop) = true;
        self.shared.stopping.notify_all();
        if lock(&self.thread).is_none() && lock(&self.shared.mailbox).state == LiveState::Ready {
            self.shared.finish();
        }
    }

    /// [`stop`](Self::stop), and waits for the thread.
    pub fn join(&self) {
        self.stop();
        if let Some(thread) = lock(&self.thread).take() {
            // A panic in it was caught and is told by the state.
            let _ = thread.join();
        }
    }

    /// What waits: the requests are handed out once, snapshots are [taken](Self::take).
    pub fn mail(&self) -> Mail {
        let mut mailbox = lock(&self.shared.mailbox);
        Mail {
            requests: std::mem::take(&mut mailbox.requests),
            requested_ns: mailbox.requested_ns,
            snapshots: mailbox.queue.len(),
            state: mailbox.state.clone(),
        }
    }

    /// Looks at the oldest waiting snapshot and removes it if `look` says so.
    pub fn take<T>(&self, look: impl FnOnce(&Snapshot) -> (T, bool)) -> Option<T> {
        lock(&self.shared.mailbox).queue.take(look)
    }

    /// What the goals allow from now on.
    pub fn decide(&self, verdicts: &[Verdict]) {
        lock(&self.shared.steps).decide(verdicts);
    }

    /// Looks at the monitor between two of its steps. Waits for a step in progress.
    pub fn with<T>(&self, look: impl FnOnce(&Monitor, &LiveCounters) -> T) -> T {
        let steps = lock(&self.shared.steps);
        look(steps.monitor(), steps.counters())
    }

    /// Accounts of rounds since the last call, oldest first, and how many had to make room so far.
    /// Waits for a step in progress.
    pub fn take_rounds(&self) -> (Vec<Round>, u64) {
        let mut steps = lock(&self.shared.steps);
        (steps.take_rounds(), steps.monitor().kdamond().rounds_dropped())
    }

    /// What became of snapshots.
    pub fn queue_counters(&self) -> QueueCounters {
        lock(&self.shared.mailbox).queue.counters()
    }

    /// The monitor's clock.
    pub fn now_ns(&self) -> u64 {
        self.shared.clock.now_ns()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.join();
    }
}

impl Shared {
    fn run(&self) {
        let ran = catch_unwind(AssertUnwindSafe(|| {
            loop {
                // Of its own, so that the lock is not held while the thread sleeps.
                let due_ns = lock(&self.steps).due_ns();
                if !self.sleep_until(due_ns) {
                    return self.finish();
                }
                self.step();
            }
        }));
        if let Err(panic) = ran {
            let said = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            lock(&self.mailbox).state = LiveState::Failed(said);
            (self.wake)();
        }
    }

    /// False if the monitor is to stop.
    fn sleep_until(&self, due_ns: u64) -> bool {
        let mut stop = lock(&self.stop);
        loop {
            if *stop {
                return false;
            }
            let left_ns = due_ns.saturating_sub(self.clock.now_ns());
            if left_ns == 0 {
                return true;
            }
            let wait = self.stopping.wait_timeout(stop, Duration::from_nanos(left_ns));
            stop = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn step(&self) {
        let mut news = false;
        lock(&self.steps).step(self.clock.now_ns(), |requests, now_ns, snapshot| {
            news |= self.post(requests, now_ns, snapshot);
        });
        if news {
            (self.wake)();
        }
    }

    fn finish(&self) {
        let mut steps = lock(&self.steps);
        steps.finish(self.clock.now_ns(), |requests, now_ns, snapshot| {
            self.post(requests, now_ns, snapshot);
        });
        lock(&self.mailbox).state = LiveState::Stopped;
        drop(steps);
        (self.wake)();
    }

    fn post(&self, requests: &[TuneRequest], now_ns: u64, snapshot: Option<&Snapshot>) -> bool {
        let mut mailbox = lock(&self.mailbox);
        for request in requests {
            // Windows that opened while nobody looked: the tuner takes one step for the last.
            mailbox.requests.retain(|earlier| earlier.scheme != request.scheme);
            mailbox.requests.push(request.clone());
            mailbox.requested_ns = now_ns;
        }
        if let Some(snapshot) = snapshot {
            mailbox.queue.push(snapshot);
        }
        !requests.is_empty() || snapshot.is_some()
    }
}
