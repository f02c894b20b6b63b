//! Operations sets that somebody else wrote: a program that is asked, question by question.
//!
//! - [`Written`]: such sets as a source. The clock is simulated, by sampling intervals.
//! - [`Inquiries`]: the way of questions to whoever answers, on another thread, and of answers back.
//!
//! A program may fail, or never answer. An interval of which a question went unanswered is left out
//! and counted; an action that did not answer took no effect; a metric without an answer is no value.
//! Every question asked ends in exactly one counter.
//!
//! Not here: how long to wait. Whoever answers says so when it has waited long enough.

mod inquiries;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use damon_core::kdamond::TargetConfig;
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Operations, OpsId, Reading, Registry, Selected,
    Tells,
};
use damon_core::region::Range;

pub use inquiries::{Answer, Asked, AskedJob, Inquiries, Question, QuestionCounters, Unanswered};

use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

/// What a source of written sets is told.
#[derive(Clone, Debug)]
pub struct WrittenConfig {
    /// Where the sets are registered.
    pub registry: Registry,
    /// When monitoring starts, in nanoseconds of a clock that only intervals move on.
    pub started_ns: u64,
    /// How many nodes there are.
    pub nodes: u32,
}

/// The sets of a registry, one at a time, and whoever answers for them. Never ends.
pub struct Written {
    config: WrittenConfig,
    memory: Memory,
}

/// The set in force, as an address space.
struct Memory {
    inquiries: Arc<Inquiries>,
    set: Option<(OpsId, Tells)>,
    /// What was last said of a process: kept where there is no answer.
    valid: RefCell<BTreeMap<u32, bool>>,
}

impl Written {
    /// Sets that are asked through `inquiries`.
    pub fn new(config: WrittenConfig, inquiries: Arc<Inquiries>) -> Self {
        Self { config, memory: Memory { inquiries, set: None, valid: RefCell::default() } }
    }
}

impl Source for Written {
    fn started_ns(&self) -> u64 {
        self.config.started_ns
    }

    fn registry(&self) -> Registry {
        self.config.registry.clone()
    }

    // Whoever wrote the sets registers them.
    fn register(&self, _registry: &mut Registry) {}

    fn select(&mut self, ops: &Selected) {
        self.memory.set = Some((ops.id(), ops.tells()));
        self.memory.valid.get_mut().clear();
    }

    fn targets(&self, ops: OpsId) -> Vec<TargetConfig> {
        if ops.is_physical() { vec![TargetConfig::physical(Vec::new())] } else { Vec::new() }
    }

    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        if intake.wants_reports() {
            // What it reports is in the lanes; that it failed to, the counters tell.
            let _ = self.memory.ask(Question::Report { until_ns }, done);
        }
        Ok(Fill::UpToDate)
    }

    fn operations(&self) -> &dyn Operations {
        &self.memory
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        &mut self.memory
    }

    fn can_migrate_to(&self, nid: u32) -> bool {
        self.has_node(nid)
    }

    fn has_node(&self, nid: u32) -> bool {
        nid < self.config.nodes
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::Written(self.memory.inquiries.counters())
    }
}

fn done(answer: Answer) -> Option<()> {
    matches!(answer, Answer::Done).then_some(())
}

impl Memory {
    fn tells(&self) -> Tells {
        // A monitor selects a set before it asks anything.
        self.set.map_or(Tells::ALL, |(_, tells)| tells)
    }

    /// The answer as `read` takes it; one that it does not take is malformed.
    fn ask<T>(&self, question: Question, read: impl FnOnce(Answer) -> Option<T>) -> Option<T> {
        let (id, _) = self.set?;
        self.inquiries.ask(id, question, read).ok()
    }
}

impl Operations for Memory {
    fn apply(&mut self, job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        let applied = |answer| match answer {
            Answer::Applied(applied) => Some(applied),
            _ => None,
        };
        self.ask(Question::Apply(AskedJob::of(job)), applied).unwrap_or_default()
    }

    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes {
        if !self.tells().nodes {
            return NodeBytes { on_node: 0, total: range.size() };
        }
        let bytes = |answer| match answer {
            Answer::NodeBytes(bytes) => Some(bytes),
            _ => None,
        };
        self.ask(Question::BytesOnNode { range, nid }, bytes).unwrap_or_default()
    }

    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]) {
        if self.tells().prepares {
            // Unanswered, it makes the interval unobserved: the counters tell.
            let _ = self.ask(Question::Prepare { tgid, addresses: addresses.to_vec() }, done);
        }
    }

    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]) {
        let length = accessed.len();
        let as_long = |answer| match answer {
            Answer::Accessed(flags) if flags.len() == length => Some(flags),
            _ => None,
        };
        let question = Question::Check { tgid, addresses: addresses.to_vec() };
        if let Some(flags) = self.ask(question, as_long) {
            accessed.copy_from_slice(&flags);
        }
    }

    fn is_target_valid(&self, tgid: u32) -> bool {
        if !self.tells().validity {
            return true;
        }
        let valid = |answer| match answer {
            Answer::Valid(valid) => Some(valid),
            _ => None,
        };
        let mut known = self.valid.borrow_mut();
        if let Some(valid) = self.ask(Question::IsTargetValid { tgid }, valid) {
            known.insert(tgid, valid);
        }
        known.get(&tgid).copied().unwrap_or(true)
    }

    fn mappings(&self, tgid: u32) -> Option<Vec<Range>> {
        if !self.tells().mappings {
            return None;
        }
        let mappings = |answer| match answer {
            Answer::Mappings(mappings) => Some(mappings),
            _ => None,
        };
        self.ask(Question::Mappings { tgid }, mappings).flatten()
    }

    fn read(&self, gauge: &Gauge) -> Option<Reading> {
        if !self.tells().gauges {
            return None;
        }
        let reading = |answer| match answer {
            Answer::Reading(reading) => Some(reading),
            _ => None,
        };
        self.ask(Question::Read { gauge: gauge.clone() }, reading)
    }

    /// Whoever installs a goal must not wait for a set: what it cannot read stays unmeasured.
    fn has_gauge(&self, _gauge: &Gauge) -> bool {
        true
    }

    fn unanswered(&self) -> u64 {
        self.inquiries.counters().unanswered()
    }
}
