//! The live monitor as a JavaScript class.

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use damon_core::Snapshot;
use damon_core::kdamond::Verdict;
use damon_monitor::doors::{Published, publish};
use damon_monitor::live::{
    Live, LiveConfig, LiveState, Mail, MonotonicClock, Overflow, QueueOptions,
};
use damon_ring::SharedLane;
use napi::bindgen_prelude::{
    BigInt, BigUint64ArraySlice, Float64ArraySlice, Function, Int32Array, Uint32ArraySlice,
};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{CleanupEnvHook, Env, Status};
use napi_derive::napi;

use crate::counters::{LiveBooks, live_books};
use crate::error::{Failure, closed};
use crate::monitor::{Columns, TuneCall, VerdictInit, call};
use crate::options::{LiveInit, MonitorInit};
use crate::state::{RoundColumns, round_columns};

/// A live monitor. Its methods return at once, or after the monitor's step in progress.
#[napi]
pub struct NativeLive {
    open: Option<Open>,
    cleanup: Option<CleanupEnvHook<Weak<Live>>>,
}

struct Open {
    live: Arc<Live>,
    published: Published,
    /// The memory of shared lanes, each as long as its lane lives; the monitor's thread ends before.
    memory: Mutex<Vec<(Weak<()>, Int32Array)>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        // The thread reads the shared memory, which goes after this.
        self.live.join();
    }
}

/// What waits for TypeScript.
#[napi(object)]
pub struct LiveMail {
    /// Quota windows that opened, for the tuners.
    pub calls: Vec<TuneCall>,
    /// When, by the monitor's clock.
    pub calls_ns: BigInt,
    /// Snapshots that wait.
    pub snapshots: u32,
    /// `ready`, `running`, `stopped` or `failed`.
    pub state: String,
    /// Of `failed`.
    pub failure: Option<Failure>,
}

/// One target's part of a snapshot.
#[napi(object)]
pub struct SnapshotPart {
    /// The process of a virtual target.
    pub tgid: Option<u32>,
    /// Its regions.
    pub regions: u32,
}

/// A waiting snapshot.
#[napi(object)]
pub struct SnapshotHeader {
    /// How many regions.
    pub regions: u32,
    /// When it was taken.
    pub now_ns: BigInt,
    /// When the one before was taken.
    pub since_ns: BigInt,
    /// The targets, in order.
    pub targets: Vec<SnapshotPart>,
    /// Whether it was copied to the columns and removed.
    pub taken: bool,
}

#[napi]
impl NativeLive {
    /// Sets a monitor up; `wake` is called, on the JavaScript thread, when there is mail.
    #[napi(factory, catch_unwind)]
    pub fn create(
        env: Env,
        live: LiveInit,
        monitor: MonitorInit,
        wake: Function<'_, (), ()>,
    ) -> napi::Result<Self> {
        let config = LiveConfig {
            monitor: monitor.build()?,
            queue: QueueOptions {
                high_water_mark: live.high_water_mark as usize,
                overflow: overflow(&live.overflow)?,
            },
        };
        // Weak: a monitor does not keep the process. One call is enough however much mail there is.
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .max_queue_size::<1>()
            .callee_handled::<false>()
            .build()?;
        let call = move || {
            let status = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
            debug_assert!(matches!(status, Status::Ok | Status::QueueFull | Status::Closing));
        };
        let live = Live::new(config, MonotonicClock, call).map_err(Failure::from)?;
        let live = Arc::new(live);
        let thread = Arc::downgrade(&live);
        // Before the environment goes, and with it what the thread calls and reads.
        let cleanup = env.add_env_cleanup_hook(thread, |thread| {
            if let Some(live) = thread.upgrade() {
                live.join();
            }
        })?;
        let published = publish(live.door().clone());
        let memory = Mutex::new(Vec::new());
        Ok(Self { open: Some(Open { live, published, memory }), cleanup: Some(cleanup) })
    }

    fn open(&self) -> Result<&Open, Failure> {
        self.open.as_ref().ok_or_else(|| closed("monitor"))
    }

    fn live(&self) -> Result<&Live, Failure> {
        Ok(&*self.open()?.live)
    }

    /// The monitor's name in this process.
    #[napi(getter)]
    pub fn token(&self) -> napi::Result<String> {
        Ok(self.open()?.published.token().to_string())
    }

    /// Starts the thread.
    #[napi(catch_unwind)]
    pub fn start(&self) -> napi::Result<()> {
        self.live()?.start().map_err(|error| Failure::said("ERR_DAMON_THREAD", error).into())
    }

    /// Asks the thread to stop; mail tells when it has.
    #[napi(catch_unwind)]
    pub fn stop(&self) -> napi::Result<()> {
        self.live()?.stop();
        Ok(())
    }

    /// Makes a lane of the words of a zeroed `SharedArrayBuffer`; returns its number.
    #[napi(catch_unwind)]
    pub fn add_shared_lane(&self, words: Int32Array) -> napi::Result<u32> {
        let Open { live, memory, .. } = self.open()?;
        let first = NonNull::from(&*words).cast::<u32>();
        // SAFETY: the array is kept until the monitor's thread has ended, and neither a shared
        // buffer nor a kept one can move or shrink; JavaScript alone writes to it besides.
        let lane = unsafe { SharedLane::new(first, words.len()) };
        let lane = lane
            .map_err(|error| Failure::plain("ERR_DAMON_CONFIG_LANES", format!("words: {error}")))?;
        let life = lane.life();
        let id = live
            .door()
            .add_shared(lane)
            .map_err(|error| Failure::from(damon_monitor::doors::AttachError::from(error)))?;
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.retain(|(life, _)| life.strong_count() > 0);
        memory.push((life, words));
        Ok(id)
    }

    /// What waits. Calls are handed out once.
    #[napi(catch_unwind)]
    pub fn mail(&self) -> napi::Result<LiveMail> {
        let Mail { requests, requested_ns, snapshots, state } = self.live()?.mail();
        let (state, failure) = match state {
            LiveState::Ready => ("ready", None),
            LiveState::Running => ("running", None),
            LiveState::Stopped => ("stopped", None),
            LiveState::Failed(said) => ("failed", Some(Failure::internal(&said))),
        };
        Ok(LiveMail {
            calls: requests.iter().map(call).collect(),
            calls_ns: BigInt::from(requested_ns),
            snapshots: snapshots as u32,
            state: state.into(),
            failure,
        })
    }

    /// The tuners' answers.
    #[napi(catch_unwind)]
    pub fn decide(&self, verdicts: Vec<VerdictInit>) -> napi::Result<()> {
        let verdicts: Vec<Verdict> = verdicts.iter().map(Verdict::from).collect();
        self.live()?.decide(&verdicts);
        Ok(())
    }

    /// The oldest waiting snapshot: copied and removed if all columns are long enough, otherwise
    /// only described. Nothing if none waits.
    #[napi(catch_unwind)]
    pub fn take(
        &self,
        starts: BigUint64ArraySlice<'_>,
        ends: BigUint64ArraySlice<'_>,
        nr_accesses: Uint32ArraySlice<'_>,
        ages: Uint32ArraySlice<'_>,
        hits: Float64ArraySlice<'_>,
    ) -> napi::Result<Option<SnapshotHeader>> {
        let mut columns = Columns { starts, ends, nr_accesses, ages, hits };
        Ok(self.live()?.take(|snapshot| {
            let taken = columns.len() >= snapshot.len();
            if taken {
                columns.fill(snapshot);
            }
            (header(snapshot, taken), taken)
        }))
    }

    /// All counters.
    #[napi(catch_unwind)]
    pub fn books(&self) -> napi::Result<LiveBooks> {
        Ok(live_books(self.live()?))
    }

    /// Accounts of rounds since the last call, oldest first.
    #[napi(catch_unwind)]
    pub fn take_rounds<'env>(&self, env: &'env Env) -> napi::Result<RoundColumns<'env>> {
        let (rounds, dropped) = self.live()?.take_rounds();
        round_columns(env, &rounds, dropped)
    }

    /// The monitor's clock, in nanoseconds.
    #[napi(catch_unwind)]
    pub fn now_ns(&self) -> napi::Result<BigInt> {
        Ok(BigInt::from(self.live()?.now_ns()))
    }

    /// Stops, waits for the thread and frees everything. Idempotent.
    #[napi(catch_unwind)]
    pub fn close(&mut self, env: Env) -> napi::Result<()> {
        self.open = None;
        self.cleanup.take().map_or(Ok(()), |cleanup| env.remove_env_cleanup_hook(cleanup))
    }
}

fn overflow(name: &str) -> Result<Overflow, Failure> {
    match name {
        "dropOldest" => Ok(Overflow::DropOldest),
        "dropNewest" => Ok(Overflow::DropNewest),
        other => Err(Failure::refusal(
            "ERR_DAMON_CONFIG_VALUE",
            "overflow",
            "`dropOldest` or `dropNewest`",
            format!("`{other}`"),
        )),
    }
}

/// The targets of a snapshot, in order.
pub(crate) fn parts(snapshot: &Snapshot) -> Vec<SnapshotPart> {
    let part = |part: &damon_core::snapshot::SnapshotTarget| SnapshotPart {
        tgid: part.tgid,
        regions: part.regions as u32,
    };
    snapshot.targets.iter().map(part).collect()
}

fn header(snapshot: &Snapshot, taken: bool) -> SnapshotHeader {
    SnapshotHeader {
        regions: snapshot.len() as u32,
        now_ns: BigInt::from(snapshot.time_ns),
        since_ns: BigInt::from(snapshot.since_ns),
        targets: parts(snapshot),
        taken,
    }
}
