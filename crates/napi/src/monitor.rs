//! The monitor as a JavaScript class.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use damon_core::Snapshot;
use damon_core::kdamond::{MetricValue, TuneRequest, Verdict};
use damon_monitor::{Event, Monitor, MonitorConfig, Recording, Source};
use napi::bindgen_prelude::{
    AsyncTask, BigInt, BigUint64ArraySlice, Float64ArraySlice, Function, Uint32ArraySlice,
};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Task};
use napi_derive::napi;

use crate::counters::{MonitorBooks, ThroughputBooks, books, throughput_books};
use crate::error::{Failure, closed};
use crate::live::{SnapshotPart, parts};
use crate::operations::{
    AnswerInit, Asking, NativeOperationsRegistry, QuestionCall, WrittenInit, answer, inquiries,
};
use crate::options::{ContextInit, EmulationInit, GoalInit, MonitorInit, RecordingInit, goals};
use crate::state::{
    MonitorState, RoundColumns, TriedColumns, monitor_state, round_columns, tried_columns,
};

enum State {
    Open(Box<Monitor>),
    Closed,
    /// A panic was caught; what is left cannot be trusted.
    Poisoned(Failure),
}

/// One monitor with its source. All methods but `run` return at once.
#[napi]
pub struct NativeMonitor {
    state: Arc<Mutex<State>>,
    /// Ends the run in progress at its next tick.
    cancel: Arc<AtomicBool>,
    /// Frees the monitor when the run in progress has ended.
    closing: Arc<AtomicBool>,
    /// Of written sets.
    asking: Mutex<Option<Asking>>,
}

/// Columns of the caller's, to be filled. Slices, because an array that is kept costs a reference,
/// and they cross one by one, because looking up a property by its name costs as much.
pub(crate) struct Columns<'a> {
    pub(crate) starts: BigUint64ArraySlice<'a>,
    pub(crate) ends: BigUint64ArraySlice<'a>,
    pub(crate) nr_accesses: Uint32ArraySlice<'a>,
    pub(crate) ages: Uint32ArraySlice<'a>,
    pub(crate) hits: Float64ArraySlice<'a>,
}

impl Columns<'_> {
    /// Of the shortest.
    pub(crate) fn len(&self) -> usize {
        self.starts
            .len()
            .min(self.ends.len())
            .min(self.nr_accesses.len())
            .min(self.ages.len())
            .min(self.hits.len())
    }

    /// `snapshot` is not longer than the shortest column.
    pub(crate) fn fill(&mut self, snapshot: &Snapshot) {
        // SAFETY: (each of the five) this call is synchronous, so no JavaScript runs while the
        // slice lives; the slices live one after the other, so arrays over one buffer do not alias.
        snapshot.copy_starts(unsafe { self.starts.as_mut() });
        // SAFETY: as above.
        snapshot.copy_ends(unsafe { self.ends.as_mut() });
        // SAFETY: as above.
        snapshot.copy_nr_accesses(unsafe { self.nr_accesses.as_mut() });
        // SAFETY: as above.
        snapshot.copy_ages(unsafe { self.ages.as_mut() });
        // SAFETY: as above.
        snapshot.copy_hits(unsafe { self.hits.as_mut() });
    }
}

/// What a goal's metric reads; nothing for `user_input`.
#[napi(object)]
pub struct MetricReading {
    /// Basis points, of metrics that are shares.
    pub value_bp: Option<f64>,
    /// Bytes that are so.
    pub bytes: Option<f64>,
    /// Bytes that were looked at.
    pub bytes_total: Option<f64>,
    /// Microseconds since the start in which some task waited for memory.
    pub stall_us: Option<f64>,
}

/// A quota window opened.
#[napi(object)]
pub struct TuneCall {
    /// Index of the scheme.
    pub scheme: u32,
    /// Tuner steps to take, 1 or 2.
    pub openings: u32,
    /// Bytes that the scheme might try in the window before; 0 also if there was none.
    pub effective_sz_bytes: f64,
    /// By goal.
    pub metrics: Vec<MetricReading>,
}

/// The tuner's answer.
#[napi(object)]
pub struct VerdictInit {
    /// Index of the scheme.
    pub scheme: u32,
    /// Bytes the goals allow in this window.
    pub bytes: f64,
    /// Of two openings at once: the same in the first of the windows.
    pub bytes_before: Option<f64>,
}

impl From<&VerdictInit> for Verdict {
    fn from(verdict: &VerdictInit) -> Self {
        // A saturating conversion: the control plane passes non-negative integers.
        Self {
            scheme: verdict.scheme as usize,
            bytes: verdict.bytes as u64,
            bytes_before: verdict.bytes_before.map(|bytes| bytes as u64),
        }
    }
}

/// Why a run came back, and what is to be known then: each property costs as much as a crossing.
#[napi(discriminant = "kind", discriminant_case = "lowercase", object_from_js = false)]
pub enum RunResult {
    /// The next tick lies beyond the time that was given.
    Reached,
    /// Quota windows opened.
    Tune {
        /// The monitor's clock, in nanoseconds.
        now_ns: BigInt,
        /// The windows.
        calls: Vec<TuneCall>,
        /// Bytes of the hot set by node, if the source knows.
        hot_bytes: Option<Vec<f64>>,
    },
    /// A snapshot was taken.
    Snapshot {
        /// The monitor's clock, in nanoseconds.
        now_ns: BigInt,
        /// How many regions.
        regions: u32,
        /// The targets, in order.
        targets: Vec<SnapshotPart>,
        /// When the one before was taken.
        since_ns: BigInt,
    },
    /// Every scheme has done a round of the walk.
    Tried,
    /// The source ended.
    Ended,
    /// It was told to come back.
    Cancelled,
    /// The source failed, or the monitor.
    Failed {
        /// How.
        failure: Failure,
    },
}

#[napi]
impl NativeMonitor {
    /// Opens a recording.
    #[napi(factory, catch_unwind)]
    pub fn recording(source: RecordingInit, monitor: MonitorInit) -> napi::Result<Self> {
        let config = monitor.build()?;
        let recording =
            Recording::open(Path::new(&source.path), source.build()?).map_err(Failure::from)?;
        Ok(Self::new(Box::new(recording), config)?)
    }

    /// Builds a machine.
    #[napi(factory, catch_unwind)]
    pub fn emulation(source: EmulationInit, monitor: MonitorInit) -> napi::Result<Self> {
        let config = monitor.build()?;
        let emulation = source.build(config.lanes)?;
        Ok(Self::new(Box::new(emulation), config)?)
    }

    /// Asks operations sets written in TypeScript: `ask` is called, on this thread, with one question
    /// at a time while a run is in progress; [`answer`](Self::answer) has the answer.
    #[napi(factory, catch_unwind)]
    pub fn written(
        env: Env,
        source: WrittenInit,
        registry: &NativeOperationsRegistry,
        monitor: MonitorInit,
        ask: Function<'_, QuestionCall, ()>,
    ) -> napi::Result<Self> {
        let config = monitor.build()?;
        let inquiries = inquiries(ask)?;
        let written = registry.source(&source, Arc::clone(&inquiries))?;
        let monitor = Monitor::new(Box::new(written), config).map_err(Failure::from)?;
        let asking = Asking::new(env, inquiries, monitor.cancel_flag(), monitor.door())?;
        Ok(Self { asking: Mutex::new(Some(asking)), ..Self::of(monitor) })
    }

    fn new(source: Box<dyn Source>, config: MonitorConfig) -> Result<Self, Failure> {
        Ok(Self::of(Monitor::new(source, config)?))
    }

    fn of(monitor: Monitor) -> Self {
        let cancel = monitor.cancel_flag();
        let state = Arc::new(Mutex::new(State::Open(Box::new(monitor))));
        Self { state, cancel, closing: Arc::default(), asking: Mutex::default() }
    }

    /// Runs on a thread of the pool until something wants attention, at most to `untilNs` of the
    /// monitor's clock. One run at a time.
    #[napi(ts_return_type = "Promise<RunResult>")]
    pub fn run(&self, until_ns: BigInt, verdicts: Vec<VerdictInit>) -> AsyncTask<Run> {
        AsyncTask::new(self.begin(&until_ns, &verdicts))
    }

    /// The same on a thread of its own, for sets written in TypeScript; `done` takes the result.
    #[napi(
        catch_unwind,
        ts_args_type = "untilNs: bigint, verdicts: Array<VerdictInit>, done: (result: RunResult) => void"
    )]
    pub fn run_apart(
        &self,
        until_ns: BigInt,
        verdicts: Vec<VerdictInit>,
        done: Function<'_, RunResult, ()>,
    ) -> napi::Result<()> {
        let apart = self.with_asking(|asking| Arc::clone(&asking.apart));
        let apart = apart.ok_or_else(|| closed("monitor"))?;
        let done =
            done.build_threadsafe_function::<RunResult>().callee_handled::<false>().build()?;
        let run = self.begin(&until_ns, &verdicts);
        apart.run(move || {
            // Nobody is left to be told if the environment has gone.
            let _ = done.call(run.finish(), ThreadsafeFunctionCallMode::NonBlocking);
        })
    }

    /// [`Self::run`] on the calling thread: for a worker that waits for it anyway, because the pool
    /// has four threads however many cores there are. Not for sets written in TypeScript.
    #[napi(catch_unwind)]
    pub fn run_here(&self, until_ns: BigInt, verdicts: Vec<VerdictInit>) -> RunResult {
        self.begin(&until_ns, &verdicts).finish()
    }

    fn begin(&self, until_ns: &BigInt, verdicts: &[VerdictInit]) -> Run {
        // A flag raised for a run before this one is not meant for this one.
        self.cancel.store(false, Ordering::Relaxed);
        let (_, until_ns, _) = until_ns.get_u64();
        let verdicts = verdicts.iter().map(Verdict::from).collect();
        let (state, closing) = (Arc::clone(&self.state), Arc::clone(&self.closing));
        Run { state, closing, until_ns, verdicts }
    }

    /// Ends the run in progress at its next tick.
    #[napi]
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// The same, and a question in progress goes unanswered.
    #[napi]
    pub fn interrupt(&self) {
        self.cancel();
        self.with_asking(|asking| asking.apart.inquiries.interrupt());
    }

    /// The answer to a question of written sets. False if nobody waits for it any more.
    #[napi(catch_unwind)]
    pub fn answer(&self, number: f64, kind: String, init: AnswerInit) -> bool {
        let answer = answer(&kind, init);
        let given = self.with_asking(|asking| asking.apart.inquiries.answer(number as u64, answer));
        given.unwrap_or(false)
    }

    /// By what name lanes of this monitor are attached: of written sets, which may report.
    #[napi(getter)]
    pub fn token(&self) -> Option<String> {
        self.with_asking(|asking| asking.published.token().to_string())
    }

    fn with_asking<T>(&self, act: impl FnOnce(&Asking) -> T) -> Option<T> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(act)
    }

    /// Copies the last snapshot into columns of at least `regions` elements each; returns how many
    /// regions there are.
    #[napi(catch_unwind)]
    pub fn snapshot_into(
        &self,
        starts: BigUint64ArraySlice<'_>,
        ends: BigUint64ArraySlice<'_>,
        nr_accesses: Uint32ArraySlice<'_>,
        ages: Uint32ArraySlice<'_>,
        hits: Float64ArraySlice<'_>,
    ) -> napi::Result<u32> {
        let mut columns = Columns { starts, ends, nr_accesses, ages, hits };
        self.with(|monitor| {
            let snapshot = monitor.snapshot();
            let shortest = columns.len();
            if shortest < snapshot.len() {
                let expected = format!("at least {} elements long", snapshot.len());
                return Err(Failure::refusal("ERR_DAMON_COLUMNS", "columns", expected, shortest));
            }
            columns.fill(snapshot);
            Ok(snapshot.len() as u32)
        })
    }

    /// Takes a new configuration: all of it, at the end of the running sampling interval, or none.
    #[napi(catch_unwind)]
    pub fn commit(&self, context: ContextInit) -> napi::Result<()> {
        let context = context.build()?;
        self.with_mut(|monitor| Ok(monitor.commit(context)?))
    }

    /// Whether such a configuration would be taken.
    #[napi(catch_unwind)]
    pub fn check_commit(&self, context: ContextInit) -> napi::Result<()> {
        let context = context.build()?;
        self.with(|monitor| Ok(monitor.check_commit(context)?))
    }

    /// Takes new goals, by scheme; all else stays.
    #[napi(catch_unwind)]
    pub fn commit_goals(&self, schemes: Vec<Vec<GoalInit>>) -> napi::Result<()> {
        let lists = schemes.iter().enumerate();
        let goals = lists
            .map(|(index, list)| goals(list, &format!("schemes[{index}]")))
            .collect::<Result<_, Failure>>()?;
        self.with_mut(|monitor| Ok(monitor.commit_goals(goals)?))
    }

    /// Asks which regions each scheme tries in its next round: a run comes back with `tried`.
    #[napi(catch_unwind)]
    pub fn walk(&self) -> napi::Result<()> {
        self.with_mut(|monitor| Ok(monitor.walk()?))
    }

    /// Whether a walk is in progress.
    #[napi(catch_unwind)]
    pub fn is_walking(&self) -> napi::Result<bool> {
        self.with(|monitor| Ok(monitor.kdamond().is_walking()))
    }

    /// What the last `tried` tells, by scheme.
    #[napi(catch_unwind)]
    pub fn tried(&self) -> napi::Result<Vec<TriedColumns>> {
        self.with(|monitor| {
            Ok(monitor.tried().by_scheme.iter().map(|regions| tried_columns(regions)).collect())
        })
    }

    /// Accounts of rounds since the last call, oldest first.
    #[napi(catch_unwind)]
    pub fn take_rounds<'env>(&self, env: &'env Env) -> napi::Result<RoundColumns<'env>> {
        let (rounds, dropped) = self
            .with_mut(|monitor| Ok((monitor.take_rounds(), monitor.kdamond().rounds_dropped())))?;
        round_columns(env, &rounds, dropped)
    }

    /// The state of the monitor.
    #[napi(catch_unwind)]
    pub fn state(&self) -> napi::Result<MonitorState> {
        self.with(|monitor| Ok(monitor_state(monitor)))
    }

    /// All counters.
    #[napi(catch_unwind)]
    pub fn books(&self) -> napi::Result<MonitorBooks> {
        self.with(|monitor| Ok(books(monitor)))
    }

    /// How fast the workload goes, if the source knows.
    #[napi(catch_unwind)]
    pub fn throughput(&self) -> napi::Result<Option<ThroughputBooks>> {
        self.with(|monitor| Ok(monitor.throughput().map(|now| throughput_books(&now))))
    }

    /// The monitor's clock, in nanoseconds.
    #[napi(catch_unwind)]
    pub fn now_ns(&self) -> napi::Result<BigInt> {
        self.with(|monitor| Ok(BigInt::from(monitor.now_ns())))
    }

    /// When the sampling interval in progress ends, by the same clock.
    #[napi(catch_unwind)]
    pub fn next_tick_ns(&self) -> napi::Result<BigInt> {
        self.with(|monitor| Ok(BigInt::from(monitor.next_tick_ns())))
    }

    /// Frees everything, as soon as a run in progress has ended. Idempotent.
    #[napi]
    pub fn close(&self, env: Env) -> napi::Result<()> {
        self.closing.store(true, Ordering::Relaxed);
        self.cancel();
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.state.try_lock() {
            Ok(mut state) => *state = State::Closed,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = State::Closed,
            // A run holds it, will end at its next tick, and then see `closing`.
            Err(TryLockError::WouldBlock) => {}
        }
        asking.map_or(Ok(()), |asking| asking.close(env))
    }

    fn with<T>(&self, look: impl FnOnce(&Monitor) -> Result<T, Failure>) -> napi::Result<T> {
        self.with_mut(|monitor| look(monitor))
    }

    fn with_mut<T>(&self, act: impl FnOnce(&mut Monitor) -> Result<T, Failure>) -> napi::Result<T> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let message = "The monitor is running: wait for the run to end";
                return Err(Failure::plain("ERR_DAMON_BUSY", message).into());
            }
        };
        match &mut *state {
            State::Open(monitor) => Ok(act(monitor)?),
            State::Closed => Err(closed("monitor").into()),
            State::Poisoned(failure) => Err(failure.clone().into()),
        }
    }
}

/// One run, on a thread of the pool.
pub struct Run {
    state: Arc<Mutex<State>>,
    closing: Arc<AtomicBool>,
    until_ns: u64,
    verdicts: Vec<Verdict>,
}

impl Run {
    /// Runs; a failure is a kind of result.
    fn finish(&self) -> RunResult {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ran = self.run(&mut state);
        if self.closing.load(Ordering::Relaxed) {
            *state = State::Closed;
        }
        ran.unwrap_or_else(|failure| RunResult::Failed { failure })
    }

    fn run(&self, state: &mut MutexGuard<'_, State>) -> Result<RunResult, Failure> {
        let monitor = match &mut **state {
            State::Open(monitor) => monitor,
            State::Closed => return Err(closed("monitor")),
            State::Poisoned(failure) => return Err(failure.clone()),
        };
        let ran = catch_unwind(AssertUnwindSafe(|| monitor.run(self.until_ns, &self.verdicts)));
        match ran {
            Ok(event) => Ok(result(monitor, event?)),
            Err(panic) => {
                let failure = Failure::internal(&*panic);
                **state = State::Poisoned(failure.clone());
                Err(failure)
            }
        }
    }
}

fn result(monitor: &Monitor, event: Event) -> RunResult {
    let now_ns = BigInt::from(monitor.now_ns());
    match event {
        Event::Reached => RunResult::Reached,
        Event::Tune => RunResult::Tune {
            now_ns,
            calls: monitor.requests().iter().map(call).collect(),
            hot_bytes: monitor
                .hot_bytes_by_node()
                .map(|nodes| nodes.into_iter().map(|bytes| bytes as f64).collect()),
        },
        Event::Snapshot => {
            let snapshot = monitor.snapshot();
            RunResult::Snapshot {
                now_ns,
                regions: snapshot.len() as u32,
                targets: parts(snapshot),
                since_ns: BigInt::from(snapshot.since_ns),
            }
        }
        Event::Tried => RunResult::Tried,
        Event::Ended => RunResult::Ended,
        Event::Cancelled => RunResult::Cancelled,
    }
}

pub(crate) fn call(request: &TuneRequest) -> TuneCall {
    TuneCall {
        scheme: request.scheme as u32,
        openings: request.openings,
        effective_sz_bytes: request.effective_sz_bytes as f64,
        metrics: request.metrics.iter().map(reading).collect(),
    }
}

fn reading(value: &MetricValue) -> MetricReading {
    let none = MetricReading { value_bp: None, bytes: None, bytes_total: None, stall_us: None };
    match *value {
        MetricValue::UserInput | MetricValue::Unmeasured => none,
        MetricValue::Share { value_bp, part, total } => MetricReading {
            value_bp: Some(value_bp as f64),
            bytes: Some(part as f64),
            bytes_total: Some(total as f64),
            ..none
        },
        MetricValue::Stall { total_us } => {
            MetricReading { stall_us: Some(total_us as f64), ..none }
        }
    }
}

impl Task for Run {
    type Output = RunResult;
    type JsValue = RunResult;

    fn compute(&mut self) -> napi::Result<RunResult> {
        Ok(self.finish())
    }

    fn resolve(&mut self, _env: napi::Env, output: RunResult) -> napi::Result<RunResult> {
        Ok(output)
    }
}
