//! One question at a time, put to somebody on another thread, and waited for.
//!
//! Nobody waits for ever: [`Inquiries::interrupt`], from any thread, ends the wait, and every
//! question after it goes unanswered until [`Inquiries::open`]. An answer that comes later than that,
//! or to another question, is refused.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use damon_core::ops::{Applied, Gauge, Job, NodeBytes, OpsId, Reading};
use damon_core::region::Range;
use damon_core::scheme::{Action, Destination, PageFilter};

/// What a set is asked. `damon_operations`, callback by callback; see
/// [`Operations`](damon_core::Operations).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Make the pages of these addresses old.
    Prepare {
        /// The process, for virtual addresses.
        tgid: Option<u32>,
        /// Bytes, one of each region.
        addresses: Vec<u64>,
    },
    /// Which of them were accessed since.
    Check {
        /// The process, for virtual addresses.
        tgid: Option<u32>,
        /// Bytes, one of each region.
        addresses: Vec<u64>,
    },
    /// Report all accesses before a moment that were not yet reported.
    Report {
        /// The end of the sampling interval.
        until_ns: u64,
    },
    /// Carry a job out.
    Apply(AskedJob),
    /// How much of a range lies on a node.
    BytesOnNode {
        /// Physical addresses.
        range: Range,
        /// The node.
        nid: u32,
    },
    /// Read a gauge.
    Read {
        /// Which.
        gauge: Gauge,
    },
    /// Whether a process is there.
    IsTargetValid {
        /// The process.
        tgid: u32,
    },
    /// The mappings of a process.
    Mappings {
        /// The process.
        tgid: u32,
    },
}

/// A [`Job`] that can be handed to another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedJob {
    /// The process whose addresses they are; physical addresses if there is none.
    pub tgid: Option<u32>,
    /// Where.
    pub range: Range,
    /// What.
    pub action: Action,
    /// Where to.
    pub target_nid: Option<u32>,
    /// Where to, by weight.
    pub destinations: Vec<Destination>,
    /// Which pages; none if all.
    pub filters: Vec<PageFilter>,
}

impl AskedJob {
    pub(super) fn of(job: &Job<'_>) -> Self {
        Self {
            tgid: job.tgid,
            range: job.range,
            action: job.action,
            target_nid: job.target_nid,
            destinations: job.destinations.to_vec(),
            filters: job.filters.asked().to_vec(),
        }
    }
}

/// What a set answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Prepare`] and [`Question::Report`].
    Done,
    /// To [`Question::Check`]: one for each address.
    Accessed(Vec<bool>),
    /// To [`Question::Apply`].
    Applied(Applied),
    /// To [`Question::BytesOnNode`].
    NodeBytes(NodeBytes),
    /// To [`Question::Read`].
    Reading(Reading),
    /// To [`Question::IsTargetValid`].
    Valid(bool),
    /// To [`Question::Mappings`]: none if the process is gone.
    Mappings(Option<Vec<Range>>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The set failed.
    Threw,
    /// Its answer was none.
    Malformed,
    /// It took too long.
    Late,
    /// Whoever asked did not wait: the run was ended, or nobody was there to be asked.
    Abandoned,
}

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Names the question in the answer.
    pub number: u64,
    /// The set that is meant.
    pub set: OpsId,
    /// What is asked.
    pub question: Question,
}

/// What became of questions: `asked` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionCounters {
    /// Questions.
    pub asked: u64,
    /// Those with an answer.
    pub answered: u64,
    /// [`Unanswered::Threw`].
    pub threw: u64,
    /// [`Unanswered::Malformed`].
    pub malformed: u64,
    /// [`Unanswered::Late`].
    pub late: u64,
    /// [`Unanswered::Abandoned`].
    pub abandoned: u64,
}

impl QuestionCounters {
    /// Those without an answer.
    pub fn unanswered(&self) -> u64 {
        self.threw + self.malformed + self.late + self.abandoned
    }

    fn count<T>(&mut self, result: &Result<T, Unanswered>) {
        self.asked += 1;
        *match result {
            Ok(_) => &mut self.answered,
            Err(Unanswered::Threw) => &mut self.threw,
            Err(Unanswered::Malformed) => &mut self.malformed,
            Err(Unanswered::Late) => &mut self.late,
            Err(Unanswered::Abandoned) => &mut self.abandoned,
        } += 1;
    }
}

/// Hands a question to whoever answers; false if nobody is there.
type Deliver = dyn Fn(Asked) -> bool + Send + Sync;

/// Questions to one set at a time, and their answers.
pub struct Inquiries {
    deliver: Box<Deliver>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Questions may be asked.
    open: bool,
    /// The last question asked.
    number: u64,
    /// Somebody waits for its answer.
    waiting: bool,
    answer: Option<Result<Answer, Unanswered>>,
    counters: QuestionCounters,
}

impl Inquiries {
    /// Closed until [opened](Self::open). `deliver` is called without a lock; the answer may come
    /// before it returns.
    pub fn new(deliver: impl Fn(Asked) -> bool + Send + Sync + 'static) -> Self {
        Self { deliver: Box::new(deliver), state: Mutex::default(), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Questions may be asked, until the next interrupt.
    pub fn open(&self) {
        self.state().open = true;
    }

    /// Ends the wait for an answer, and lets none begin.
    pub fn interrupt(&self) {
        self.state().open = false;
        self.changed.notify_all();
    }

    /// Asks, and waits for an answer that `read` takes.
    pub(super) fn ask<T>(
        &self,
        set: OpsId,
        question: Question,
        read: impl FnOnce(Answer) -> Option<T>,
    ) -> Result<T, Unanswered> {
        let answer = self.put(set, question);
        let result = answer.and_then(|answer| read(answer).ok_or(Unanswered::Malformed));
        self.state().counters.count(&result);
        result
    }

    fn put(&self, set: OpsId, question: Question) -> Result<Answer, Unanswered> {
        let number = {
            let mut state = self.state();
            if !state.open {
                return Err(Unanswered::Abandoned);
            }
            state.number += 1;
            state.waiting = true;
            state.number
        };
        let delivered = (self.deliver)(Asked { number, set, question });
        let mut state = self.state();
        while delivered && state.open && state.answer.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
        state.answer.take().unwrap_or(Err(Unanswered::Abandoned))
    }

    /// The answer to a question, from any thread. False if nobody waits for it any more.
    pub fn answer(&self, number: u64, answer: Result<Answer, Unanswered>) -> bool {
        let mut state = self.state();
        if number != state.number || !state.waiting || state.answer.is_some() {
            return false;
        }
        state.answer = Some(answer);
        self.changed.notify_all();
        true
    }

    /// What became of questions so far.
    pub fn counters(&self) -> QuestionCounters {
        self.state().counters
    }
}
