//! Operations sets written in TypeScript: the registry, questions out, answers in.
//!
//! Questions come from the thread of a run; the answers are given on the JavaScript thread, by a
//! call of its own that never waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use damon_core::ops::{
    Applied, Gauge, NodeBytes, OpsId, Owner, Primitive, Reading, Registry, RegistryError, Tells,
};
use damon_core::scheme::{PageFilter, PageFilterKind};
use damon_monitor::doors::{Published, publish};
use damon_monitor::written::{
    Answer, Asked, AskedJob, Inquiries, Question, QuestionCounters, Unanswered, Written,
    WrittenConfig,
};
use damon_ring::{AddressKind, LaneDoor};
use napi::bindgen_prelude::{BigInt, BigUint64Array, Function, Uint8Array};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{CleanupEnvHook, Env, Status};
use napi_derive::napi;

use crate::error::Failure;
use crate::options::{RangeInit, integer, integer32, ranges};

/// The sets that monitors can select.
#[napi]
pub struct NativeOperationsRegistry {
    registry: Registry,
}

/// What a set says of itself.
#[napi(object)]
pub struct OperationsSetInit {
    /// 1 to 31 letters, digits, `_` and `-`.
    pub name: String,
    /// `physical` or `virtual`.
    pub addresses: String,
    /// `reports` or `access_checks`.
    pub sees: String,
    /// Whether it makes pages old.
    pub prepares: bool,
    /// Whether it knows which processes are there.
    pub validity: bool,
    /// Whether it knows their mappings.
    pub mappings: bool,
    /// Whether it reads gauges.
    pub gauges: bool,
    /// Whether it knows where bytes lie.
    pub nodes: bool,
}

#[napi]
impl NativeOperationsRegistry {
    /// An empty one.
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "a constructor for JavaScript")]
    pub fn new() -> Self {
        Self { registry: Registry::default() }
    }

    /// Offers a set.
    #[napi(catch_unwind)]
    pub fn register(&self, set: OperationsSetInit) -> napi::Result<NativeOperationsOwner> {
        let OperationsSetInit { name, prepares, validity, mappings, gauges, nodes, .. } = &set;
        let id = ops_id(name, &set.addresses)?;
        let primitive = match set.sees.as_str() {
            "reports" => Primitive::Reports,
            "access_checks" => Primitive::AccessChecks,
            other => return Err(unknown_word("sees", "`reports` or `access_checks`", other).into()),
        };
        let tells = Tells {
            prepares: *prepares,
            validity: *validity,
            mappings: *mappings,
            gauges: *gauges,
            nodes: *nodes,
        };
        let owner = self.registry.register_owned(id, primitive, tells).map_err(Failure::from)?;
        Ok(NativeOperationsOwner { owner })
    }

    /// Withdraws a set that no monitor has.
    #[napi(catch_unwind)]
    pub fn unregister(&self, name: String) -> napi::Result<()> {
        let unknown = || {
            let expected = "a set that is registered";
            Failure::refusal("ERR_DAMON_OPERATIONS_UNKNOWN", "name", expected, format!("`{name}`"))
        };
        let id = self.registry.named(&name).ok_or_else(unknown)?;
        Ok(self.registry.unregister(id).map_err(Failure::from)?)
    }

    /// The names of the sets that can be selected.
    #[napi(catch_unwind)]
    pub fn available(&self) -> Vec<String> {
        self.registry.available().iter().map(|id| id.name().into()).collect()
    }
}

/// Whoever registered a set.
#[napi]
pub struct NativeOperationsOwner {
    owner: Owner,
}

#[napi]
impl NativeOperationsOwner {
    /// Withdraws the set; true if it is gone, false if a monitor still has it. Idempotent.
    #[napi(catch_unwind)]
    pub fn close(&self) -> bool {
        self.owner.close()
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let (kind, id, expected) = match error {
            RegistryError::Registered(id) => ("REGISTERED", id, "a name that is not registered"),
            RegistryError::Unregistered(id) => ("UNKNOWN", id, "a set that is registered"),
            RegistryError::Busy(id) => ("BUSY", id, "a set that no monitor has"),
            RegistryError::Leaving(id) => ("BUSY", id, "a set whose owner has not closed"),
        };
        let code = format!("ERR_DAMON_OPERATIONS_{kind}");
        Self::refusal(&code, "name", expected, format!("`{}`", id.name()))
    }
}

/// The set of that name over addresses of that kind.
pub(crate) fn ops_id(name: &str, addresses: &str) -> Result<OpsId, Failure> {
    let kind = match addresses {
        "physical" => AddressKind::Physical,
        "virtual" => AddressKind::Virtual,
        other => return Err(unknown_word("addresses", "`physical` or `virtual`", other)),
    };
    OpsId::of(name, kind).ok_or_else(|| {
        Failure::refusal(
            "ERR_DAMON_CONFIG_OPERATIONS",
            "operations",
            "1 to 31 letters, digits, `_` and `-`, and one of the kernel's for its own kind only",
            format!("`{name}` over {addresses} addresses"),
        )
    })
}

fn unknown_word(path: &str, expected: &str, received: &str) -> Failure {
    Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, format!("`{received}`"))
}

/// A source of written sets.
#[napi(object)]
pub struct WrittenInit {
    /// When monitoring starts, in nanoseconds.
    pub start_ns: f64,
    /// How many nodes there are.
    pub nodes: f64,
}

/// One page filter of a job.
#[napi(object, object_from_js = false)]
pub struct FilterCall {
    /// What it looks at.
    #[napi(js_name = "type")]
    pub kind: String,
    /// Acts on pages that are so.
    pub matching: bool,
    /// Lets those it acts on through.
    pub allow: bool,
    /// Of `memcg`.
    pub memcg: Option<String>,
    /// Of `hugepage_size`: least bytes.
    pub min: Option<BigInt>,
    /// Of `hugepage_size`: most bytes.
    pub max: Option<BigInt>,
}

/// A node to migrate to, among others.
#[napi(object, object_from_js = false)]
pub struct DestinationCall {
    /// The node.
    pub nid: u32,
    /// Its share.
    pub weight: u32,
}

/// A gauge to be read.
#[napi(object, object_from_js = false)]
pub struct GaugeCall {
    /// Which.
    #[napi(js_name = "type")]
    pub kind: String,
    /// Of a node's.
    pub nid: Option<u32>,
    /// Of a control group's.
    pub memcg: Option<String>,
}

/// A question; the fields that go with its kind are there.
#[napi(object, object_from_js = false)]
pub struct QuestionCall {
    /// Names it in the answer.
    pub number: f64,
    /// The set that is meant.
    pub set: String,
    /// `prepare`, `check`, `report`, `apply`, `bytesOnNode`, `read`, `isTargetValid`, `mappings`.
    pub kind: String,
    /// The process.
    pub tgid: Option<u32>,
    /// Bytes.
    pub addresses: Option<BigUint64Array>,
    /// The end of the sampling interval.
    pub until_ns: Option<BigInt>,
    /// First byte.
    pub start: Option<BigInt>,
    /// One past the last byte.
    pub end: Option<BigInt>,
    /// Of a job.
    pub action: Option<String>,
    /// A node.
    pub nid: Option<u32>,
    /// Of a job.
    pub destinations: Option<Vec<DestinationCall>>,
    /// Of a job.
    pub filters: Option<Vec<FilterCall>>,
    /// Of `read`.
    pub gauge: Option<GaugeCall>,
}

/// An answer; the field that goes with its question is there, or `unanswered`.
#[napi(object)]
pub struct AnswerInit {
    /// `threw`, `malformed` or `late`.
    pub unanswered: Option<String>,
    /// To `check`: not 0 for each address that was accessed.
    pub accessed: Option<Uint8Array>,
    /// To `apply`.
    pub applied: Option<AppliedInit>,
    /// To `bytesOnNode` and `read`.
    pub part: Option<PartInit>,
    /// To `isTargetValid`.
    pub valid: Option<bool>,
    /// To `mappings`: empty if the process is gone.
    pub mappings: Option<Vec<RangeInit>>,
}

/// What an action did.
#[napi(object)]
pub struct AppliedInit {
    /// Bytes with an effect.
    pub bytes: f64,
    /// Bytes that passed the filters.
    pub passed: f64,
    /// Nanoseconds.
    pub elapsed_ns: f64,
}

/// A part of a whole, in bytes.
#[napi(object)]
pub struct PartInit {
    /// What was asked for.
    pub part: f64,
    /// Of how much.
    pub total: f64,
}

/// What became of questions.
#[napi(object)]
pub struct QuestionBooks {
    /// Questions.
    pub asked: f64,
    /// Those with an answer.
    pub answered: f64,
    /// The set threw, or its promise was rejected.
    pub threw: f64,
    /// The answer was none.
    pub malformed: f64,
    /// No answer in time.
    pub late: f64,
    /// The run was ended first.
    pub abandoned: f64,
    /// Sampling intervals that were left out for want of an answer.
    pub unobserved: f64,
}

pub(crate) fn question_books(counters: &QuestionCounters, unobserved: u64) -> QuestionBooks {
    QuestionBooks {
        asked: counters.asked as f64,
        answered: counters.answered as f64,
        threw: counters.threw as f64,
        malformed: counters.malformed as f64,
        late: counters.late as f64,
        abandoned: counters.abandoned as f64,
        unobserved: unobserved as f64,
    }
}

/// What a monitor of written sets has besides: freed when it is closed.
pub(crate) struct Asking {
    pub(crate) apart: Arc<Apart>,
    pub(crate) published: Published,
    cleanup: CleanupEnvHook<Weak<Apart>>,
}

/// A thread for the run in progress: one of the pool, which waits for JavaScript, would be missing
/// there for what a set does meanwhile, such as reading a file.
pub(crate) struct Apart {
    pub(crate) inquiries: Arc<Inquiries>,
    cancel: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Apart {
    /// Runs on a thread of its own. One run at a time.
    pub(crate) fn run(self: &Arc<Self>, run: impl FnOnce() + Send + 'static) -> napi::Result<()> {
        let apart = Arc::clone(self);
        self.inquiries.open();
        let started = thread::Builder::new().name("kdamond".into()).spawn(move || {
            // Kept by its thread, so that an environment that goes finds what to wait for.
            let _apart = apart;
            run();
        });
        let handle = started.map_err(|error| Failure::said("ERR_DAMON_THREAD", error))?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    /// Ends the run in progress and waits for it: before the code it runs may go.
    fn end(&self) {
        self.cancel.store(true, Ordering::Relaxed);
        self.inquiries.interrupt();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic was caught where it happened.
        let _ = thread.map(JoinHandle::join);
    }
}

/// Puts questions to `ask`, on its thread.
pub(crate) fn inquiries(ask: Function<'_, QuestionCall, ()>) -> napi::Result<Arc<Inquiries>> {
    // Weak: a monitor does not keep the process; a run in progress does.
    let ask = ask
        .build_threadsafe_function::<QuestionCall>()
        .weak::<true>()
        .callee_handled::<false>()
        .build()?;
    let here = thread::current().id();
    Ok(Arc::new(Inquiries::new(move |asked| {
        // A run on the thread that answers would wait for itself.
        thread::current().id() != here
            && ask.call(question_call(asked), ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    })))
}

impl NativeOperationsRegistry {
    pub(crate) fn source(
        &self,
        init: &WrittenInit,
        inquiries: Arc<Inquiries>,
    ) -> Result<Written, Failure> {
        let config = WrittenConfig {
            registry: self.registry.clone(),
            started_ns: integer(init.start_ns, "source.startNs")?,
            nodes: integer32(init.nodes, "source.nodes")?,
        };
        Ok(Written::new(config, inquiries))
    }
}

impl Asking {
    pub(crate) fn new(
        env: Env,
        inquiries: Arc<Inquiries>,
        cancel: Arc<AtomicBool>,
        door: LaneDoor,
    ) -> napi::Result<Self> {
        let apart = Arc::new(Apart { inquiries, cancel, thread: Mutex::default() });
        // A run that waits must not outlive the thread that would answer.
        let cleanup = env.add_env_cleanup_hook(Arc::downgrade(&apart), |apart| {
            if let Some(apart) = apart.upgrade() {
                apart.end();
            }
        })?;
        Ok(Self { apart, published: publish(door), cleanup })
    }

    pub(crate) fn close(self, env: Env) -> napi::Result<()> {
        self.apart.inquiries.interrupt();
        let thread = self.apart.thread.lock().unwrap_or_else(PoisonError::into_inner);
        // A run that is still on its way out is waited for by the hook, if by anybody.
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(());
        }
        env.remove_env_cleanup_hook(self.cleanup)
    }
}

fn question_call(Asked { number, set, question }: Asked) -> QuestionCall {
    let blank = QuestionCall {
        number: number as f64,
        set: set.name().into(),
        kind: String::new(),
        tgid: None,
        addresses: None,
        until_ns: None,
        start: None,
        end: None,
        action: None,
        nid: None,
        destinations: None,
        filters: None,
        gauge: None,
    };
    match question {
        Question::Prepare { tgid, addresses } => QuestionCall {
            kind: "prepare".into(),
            tgid,
            addresses: Some(addresses.into()),
            ..blank
        },
        Question::Check { tgid, addresses } => {
            QuestionCall { kind: "check".into(), tgid, addresses: Some(addresses.into()), ..blank }
        }
        Question::Report { until_ns } => {
            QuestionCall { kind: "report".into(), until_ns: Some(until_ns.into()), ..blank }
        }
        Question::Apply(job) => job_call(job, blank),
        Question::BytesOnNode { range, nid } => QuestionCall {
            kind: "bytesOnNode".into(),
            start: Some(range.start.into()),
            end: Some(range.end.into()),
            nid: Some(nid),
            ..blank
        },
        Question::Read { gauge } => {
            QuestionCall { kind: "read".into(), gauge: Some(gauge_call(gauge)), ..blank }
        }
        Question::IsTargetValid { tgid } => {
            QuestionCall { kind: "isTargetValid".into(), tgid: Some(tgid), ..blank }
        }
        Question::Mappings { tgid } => {
            QuestionCall { kind: "mappings".into(), tgid: Some(tgid), ..blank }
        }
    }
}

fn job_call(job: AskedJob, blank: QuestionCall) -> QuestionCall {
    let destination =
        |to: &damon_core::scheme::Destination| DestinationCall { nid: to.nid, weight: to.weight };
    QuestionCall {
        kind: "apply".into(),
        tgid: job.tgid,
        start: Some(job.range.start.into()),
        end: Some(job.range.end.into()),
        action: Some(job.action.name().into()),
        nid: job.target_nid,
        destinations: Some(job.destinations.iter().map(destination).collect()),
        filters: Some(job.filters.into_iter().map(filter_call).collect()),
        ..blank
    }
}

fn filter_call(PageFilter { kind, matching, allow }: PageFilter) -> FilterCall {
    let plain = |kind: &str| FilterCall {
        kind: kind.into(),
        matching,
        allow,
        memcg: None,
        min: None,
        max: None,
    };
    match kind {
        PageFilterKind::Anon => plain("anon"),
        PageFilterKind::Active => plain("active"),
        PageFilterKind::Memcg(path) => FilterCall { memcg: Some(path), ..plain("memcg") },
        PageFilterKind::Young => plain("young"),
        PageFilterKind::HugepageSize { min, max } => {
            FilterCall { min: Some(min.into()), max: Some(max.into()), ..plain("hugepage_size") }
        }
        PageFilterKind::Unmapped => plain("unmapped"),
    }
}

fn gauge_call(gauge: Gauge) -> GaugeCall {
    let plain = |kind: &str| GaugeCall { kind: kind.into(), nid: None, memcg: None };
    match gauge {
        Gauge::NodeUsed { nid } => GaugeCall { nid: Some(nid), ..plain("node_used") },
        Gauge::NodeMemcgUsed { nid, memcg } => {
            GaugeCall { nid: Some(nid), memcg: Some(memcg), ..plain("node_memcg_used") }
        }
        Gauge::Active => plain("active"),
        Gauge::Huge => plain("huge"),
        Gauge::Free => plain("free"),
        Gauge::SomeMemoryStall => plain("some_memory_stall"),
    }
}

/// The answer to a question of that kind. One that does not go with it is no answer.
pub(crate) fn answer(kind: &str, init: AnswerInit) -> Result<Answer, Unanswered> {
    match init.unanswered.as_deref() {
        Some("threw") => return Err(Unanswered::Threw),
        Some("late") => return Err(Unanswered::Late),
        Some(_) => return Err(Unanswered::Malformed),
        None => {}
    }
    answered(kind, init).ok_or(Unanswered::Malformed)
}

fn answered(kind: &str, init: AnswerInit) -> Option<Answer> {
    let whole = |value: f64| integer(value, kind).ok();
    Some(match kind {
        "prepare" | "report" => Answer::Done,
        "check" => Answer::Accessed(init.accessed?.iter().map(|&flag| flag != 0).collect()),
        "apply" => {
            let AppliedInit { bytes, passed, elapsed_ns } = init.applied?;
            Answer::Applied(Applied {
                bytes: whole(bytes)?,
                passed: whole(passed)?,
                elapsed_ns: whole(elapsed_ns)?,
            })
        }
        "bytesOnNode" => {
            let PartInit { part, total } = init.part?;
            Answer::NodeBytes(NodeBytes { on_node: whole(part)?, total: whole(total)? })
        }
        "read" => {
            let PartInit { part, total } = init.part?;
            Answer::Reading(Reading { part: whole(part)?, total: whole(total)? })
        }
        "isTargetValid" => Answer::Valid(init.valid?),
        "mappings" => {
            let list = ranges(&init.mappings?, kind).ok()?;
            Answer::Mappings((!list.is_empty()).then_some(list))
        }
        _ => return None,
    })
}
