//! All streams of a sampler, followed by one thread or by several.
//!
//! ```text
//! owner   report(t)  ->  go_ahead  ->  monitor drains t   ->  report(t + 1)
//! hands                  follow the streams to t + 1 meanwhile
//! ```
//!
//! Going ahead is a bet that the machine stays as it is: whoever changes it calls
//! [`take_back`](Sampling::take_back) first, which puts the streams back to where they were. So
//! reports do not depend on who followed which stream, or when, or on how many threads there are.

use std::mem::swap;
use std::sync::Arc;

use damon_machine::{Machine, PAGE_SZ};
use damon_ring::{AccessReport, AddressKind, Producer};

use crate::counters::SamplerCounters;
use crate::crew::{Crew, Task};
use crate::sources::SourceCounts;
use crate::stream::{NO_CPU, Output, Seen, Span, Stream};

/// Tasks per thread, so that whoever is done first finds more.
const GROUPS_PER_THREAD: usize = 8;
/// Reports of a span below which another thread does not pay.
const REPORTS_WORTH_A_THREAD: usize = 500;

/// What a group is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Follow the streams, remembering what they were.
    GoAhead,
    /// Report what was seen ahead.
    Report,
    /// Follow them and report at once.
    FollowAndReport,
}

/// Streams that are followed one after the other, each with its lane.
struct Group {
    streams: Vec<Stream>,
    /// What the streams were before they went ahead.
    before: Vec<Stream>,
    /// By stream.
    outputs: Vec<Output>,
    lanes: Vec<Producer>,
    kind: AddressKind,
    /// Given for one run.
    machine: Option<Arc<Machine>>,
    span: Span,
    step: Step,
    /// The streams were followed through the span.
    followed: bool,
}

impl Task for Group {
    fn run(&mut self) {
        // Dropped before the task counts as done, so that the owner may change it then.
        let Some(machine) = self.machine.take() else { return };
        if self.step == Step::GoAhead {
            self.before.clone_from(&self.streams);
        }
        if self.step != Step::Report {
            self.follow(&machine);
        }
        if self.step != Step::GoAhead {
            self.report(&machine);
        }
    }
}

impl Group {
    fn prepare(&mut self, machine: &Arc<Machine>, span: Span, step: Step) {
        self.machine = Some(Arc::clone(machine));
        (self.span, self.step, self.followed) = (span, step, false);
    }

    fn follow(&mut self, machine: &Machine) {
        for (stream, output) in self.streams.iter_mut().zip(&mut self.outputs) {
            output.seen.clear();
            output.counters = SamplerCounters::default();
            output.sources = SourceCounts::default();
            stream.follow(machine, self.span, output);
        }
        self.followed = true;
    }

    fn report(&self, machine: &Machine) {
        let Self { span, kind, .. } = *self;
        for ((stream, output), lane) in self.streams.iter().zip(&self.outputs).zip(&self.lanes) {
            if let Some(cpu) = stream.only_cpu() {
                // Known beforehand, so that all but address, moment and store is the same.
                let who = Who::on(cpu, machine);
                lane.push_batch(output.seen.iter().map(|seen| report(seen, span, kind, who)));
                continue;
            }
            let mut who = Who { cpu: NO_CPU, tgid: 0, tid: 0 };
            lane.push_batch(output.seen.iter().map(|seen| {
                if seen.cpu != who.cpu {
                    who = Who::on(seen.cpu, machine);
                }
                report(seen, span, kind, who)
            }));
        }
    }
}

/// A sampler at work.
#[derive(Debug)]
pub(crate) struct Sampling {
    crew: Crew<Group>,
    streams: usize,
    threads: usize,
    kind: AddressKind,
    /// Until when the streams were followed and reported.
    now_ns: u64,
    /// The span that they were sent ahead through.
    ahead: Option<Span>,
    /// Of the last span.
    length_ns: u64,
    reports: usize,
    counters: SamplerCounters,
    sources: SourceCounts,
    /// Nanoseconds that the last span took from each CPU that pays.
    charges: Vec<(u16, u64)>,
}

impl Sampling {
    /// Streams that begin at `now_ns`, followed by up to so many threads, the caller's among them.
    pub(crate) fn new(
        streams: Vec<Stream>,
        kind: AddressKind,
        now_ns: u64,
        threads: usize,
    ) -> Self {
        let all = streams.len();
        let threads = if streams.iter().all(Stream::is_small) { threads } else { 1 };
        let size = all.div_ceil(threads.max(1) * GROUPS_PER_THREAD).max(1);
        let mut streams = streams.into_iter();
        let groups = (0..all.div_ceil(size)).map(|_| {
            let streams: Vec<Stream> = streams.by_ref().take(size).collect();
            Group {
                outputs: streams.iter().map(|_| Output::default()).collect(),
                before: Vec::new(),
                lanes: Vec::new(),
                kind,
                machine: None,
                span: Span::default(),
                step: Step::FollowAndReport,
                followed: false,
                streams,
            }
        });
        Self {
            crew: Crew::new(groups.collect()),
            streams: all,
            threads,
            kind,
            now_ns,
            ahead: None,
            length_ns: 0,
            reports: 0,
            counters: SamplerCounters::default(),
            sources: SourceCounts::default(),
            charges: Vec::new(),
        }
    }

    /// How many lanes are wanted: one for each stream.
    pub(crate) fn lanes(&self) -> usize {
        self.streams
    }

    /// Gives stream `n` lane `n`.
    pub(crate) fn attach(&mut self, lanes: Vec<Producer>) {
        let mut lanes = lanes.into_iter();
        self.crew.each(|group| group.lanes = lanes.by_ref().take(group.streams.len()).collect());
    }

    pub(crate) fn counters(&self) -> SamplerCounters {
        self.counters
    }

    pub(crate) fn sources(&self) -> &SourceCounts {
        &self.sources
    }

    /// What the last span took from whom.
    pub(crate) fn charges(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.charges.iter().copied()
    }

    pub(crate) fn kind(&self) -> AddressKind {
        self.kind
    }

    /// Nobody samples up to `until_ns`.
    pub(crate) fn skip(&mut self, until_ns: u64) {
        self.take_back();
        let span = Span::new(self.now_ns, until_ns);
        self.crew.each(|group| group.streams.iter_mut().for_each(|stream| stream.skip(span)));
        self.now_ns = span.until_ns;
        self.charges.clear();
    }

    /// Follows all streams up to `until_ns` and reports what they saw. Nobody holds the machine
    /// afterwards.
    pub(crate) fn report(&mut self, machine: &Arc<Machine>, until_ns: u64) {
        let span = Span::new(self.now_ns, until_ns);
        if self.ahead == Some(span) {
            self.ahead = None;
            self.crew.finish();
            self.crew.run(|group| group.prepare(machine, span, Step::Report));
        } else {
            self.take_back();
            self.crew.run(|group| group.prepare(machine, span, Step::FollowAndReport));
        }
        (self.now_ns, self.length_ns, self.reports) = (span.until_ns, span.length_ns(), 0);
        self.charges.clear();
        let Self { crew, reports, counters, sources, charges, .. } = self;
        crew.each(|group| {
            for (stream, output) in group.streams.iter().zip(&mut group.outputs) {
                *reports += output.seen.len();
                counters.add(&output.counters);
                sources.take(&mut output.sources);
                if output.counters.overhead_ns > 0 {
                    charges.push((stream.cpu(machine), output.counters.overhead_ns));
                }
            }
        });
    }

    /// Sends the streams ahead through one more span like the last, if there are others than the
    /// caller to follow them and it is worth it.
    pub(crate) fn go_ahead(&mut self, machine: &Arc<Machine>) {
        if self.threads < 2 || self.reports < REPORTS_WORTH_A_THREAD {
            return;
        }
        self.crew.hire(self.threads - 1);
        if self.crew.has_help() {
            let span = Span::new(self.now_ns, self.now_ns + self.length_ns);
            self.crew.begin(|group| group.prepare(machine, span, Step::GoAhead));
            self.ahead = Some(span);
        }
    }

    /// The machine is going to change: what was seen ahead did not happen. Nobody holds the machine
    /// afterwards.
    pub(crate) fn take_back(&mut self) {
        if self.ahead.take().is_some() {
            self.crew.abandon();
            self.crew.each(|group| {
                group.machine = None;
                if group.followed {
                    swap(&mut group.streams, &mut group.before);
                }
            });
        }
    }
}

/// Who made accesses; 0 where nobody knows.
#[derive(Clone, Copy)]
struct Who {
    cpu: u16,
    tgid: u32,
    tid: u32,
}

impl Who {
    fn on(cpu: u16, machine: &Machine) -> Self {
        let running = machine.running(cpu);
        let tgid = running.map_or(0, |(process, _)| machine.tgid(process));
        Self { cpu, tgid, tid: running.map_or(0, |(_, thread)| tgid + u32::from(thread)) }
    }
}

fn report(seen: &Seen, span: Span, kind: AddressKind, who: Who) -> AccessReport {
    AccessReport {
        address: seen.page(),
        time_ns: span.time_ns(seen),
        size: PAGE_SZ as u32,
        tid: who.tid,
        tgid: who.tgid,
        cpu: if who.cpu == NO_CPU { 0 } else { who.cpu },
        kind,
        write: seen.write(),
    }
}
