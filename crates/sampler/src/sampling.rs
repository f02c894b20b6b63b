//! All streams of a sampler, followed by one thread or by several.
//!
//! ```text
//! owner   follow(t)  ->  machine goes on  ->  go_ahead  ->  report t, drain t  ->  follow(t + 1)
//! hands                                       follow the streams to t + 1
//! ```
//!
//! Going ahead is a bet that the machine stays as it is: whoever changes it calls
//! [`take_back`](Sampling::take_back) first, which puts the streams back to where they were. So
//! reports do not depend on who followed which stream, or when, or on how many threads there are.
//!
//! Only the owner reports: it is also who drains, so the lanes stay in its processor's cache. Where
//! it follows alone it reports each stream at once, and nothing is ahead.

use std::mem::{swap, take};
use std::ops::Range;
use std::sync::Arc;

use damon_machine::{Machine, PAGE_SZ};
use damon_ring::{AccessReport, AddressKind, Producer};

use crate::counters::SamplerCounters;
use crate::crew::{Crew, Task};
use crate::sources::SourceCounts;
use crate::stream::{NO_CPU, Output, Span, Stream};

/// Tasks per thread, so that whoever is done first finds more.
const GROUPS_PER_THREAD: usize = 4;
/// Reports of a span below which another thread does not pay.
const REPORTS_WORTH_A_THREAD: u64 = 500;

/// Streams that are followed one after the other.
struct Group {
    streams: Vec<Stream>,
    /// What the streams were before they went ahead.
    before: Vec<Stream>,
    told: Told,
    /// Given for one run.
    machine: Option<Arc<Machine>>,
    span: Span,
    /// The span may not come to pass: the streams are to be remembered.
    ahead: bool,
    /// The streams were followed through the span.
    followed: bool,
}

/// What the streams of a group tell of a span.
#[derive(Debug, Default)]
struct Told {
    output: Output,
    /// By stream.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// Where in the output the next stream's begins.
    end: usize,
    /// Who made all that was seen, if one did.
    who: Option<Who>,
    /// Nanoseconds that it took, and the CPU that pays, or none.
    charge: (Option<u16>, u64),
}

impl Task for Group {
    fn run(&mut self) {
        // Dropped before the task counts as done, so that the owner may change it then.
        let Some(machine) = self.machine.take() else { return };
        if self.ahead {
            self.before.clone_from(&self.streams);
        }
        self.follow(&machine, |_, _| ());
    }
}

impl Group {
    fn prepare(&mut self, machine: &Arc<Machine>, span: Span, ahead: bool) {
        self.machine = Some(Arc::clone(machine));
        (self.span, self.ahead, self.followed) = (span, ahead, false);
    }

    /// Follows the streams through the span, and tells `each` the number of a stream that was.
    fn follow(&mut self, machine: &Machine, mut each: impl FnMut(usize, &mut Told)) {
        let Self { streams, told, span, .. } = self;
        told.output.begin();
        told.parts.clear();
        for (number, stream) in streams.iter_mut().enumerate() {
            let Told { output, parts } = &mut *told;
            let charged_ns = output.counters.overhead_ns;
            stream.follow(machine, *span, output);
            parts.push(Part {
                end: output.seen.len(),
                who: stream.only_cpu().map(|cpu| Who::on(cpu, machine)),
                charge: (stream.cpu(machine), output.counters.overhead_ns - charged_ns),
            });
            each(number, told);
        }
        self.followed = true;
    }
}

impl Told {
    /// Reports what the last stream told, and forgets it.
    fn report_last(&mut self, machine: &Machine, kind: AddressKind, lane: &Producer) {
        if let Some(part) = self.parts.last_mut() {
            part.report(&self.output, 0..part.end, machine, kind, lane);
            part.end = 0;
            self.output.forget();
        }
    }

    /// Reports it, each stream to its lane.
    fn report(&self, machine: &Machine, kind: AddressKind, lanes: &[Producer]) {
        let mut begin = 0;
        for (part, lane) in self.parts.iter().zip(lanes) {
            part.report(&self.output, begin..part.end, machine, kind, lane);
            begin = part.end;
        }
    }
}

impl Part {
    fn report(
        &self,
        output: &Output,
        own: Range<usize>,
        machine: &Machine,
        kind: AddressKind,
        lane: &Producer,
    ) {
        let seen = &output.seen.as_slice()[own.clone()];
        if let Some(who) = self.who {
            lane.push_pages(&who.report(kind), bytemuck::cast_slice(seen));
            return;
        }
        let mut who = Who { cpu: NO_CPU, tgid: 0, tid: 0 };
        lane.push_batch(seen.iter().zip(&output.cpus[own]).map(|(seen, &cpu)| {
            if cpu != who.cpu {
                who = Who::on(cpu, machine);
            }
            let (address, time_ns, write) = (seen.page(), seen.time_ns, seen.write());
            AccessReport { address, time_ns, write, ..who.report(kind) }
        }));
    }
}

/// A sampler at work.
pub(crate) struct Sampling {
    crew: Crew<Group>,
    lanes: Vec<Producer>,
    streams: usize,
    /// Up to which it may use, whatever the streams.
    threads_max: usize,
    threads: usize,
    kind: AddressKind,
    /// The last span that streams were followed through.
    span: Span,
    /// By group: what they told of it.
    told: Vec<Told>,
    /// It was not reported yet.
    unreported: bool,
    /// The span that they were sent ahead through.
    ahead: Option<Span>,
    counters: SamplerCounters,
    sources: SourceCounts,
}

impl Sampling {
    /// Streams that begin at `now_ns`, followed by up to so many threads, the caller's among them.
    pub(crate) fn new(
        streams: Vec<Stream>,
        kind: AddressKind,
        now_ns: u64,
        threads_max: usize,
    ) -> Self {
        let all = streams.len();
        let threads = if streams.iter().all(Stream::is_small) { threads_max } else { 1 };
        let size = all.div_ceil(threads.max(1) * GROUPS_PER_THREAD).max(1);
        let mut streams = streams.into_iter();
        let groups = (0..all.div_ceil(size)).map(|_| Group {
            streams: streams.by_ref().take(size).collect(),
            before: Vec::new(),
            told: Told::default(),
            machine: None,
            span: Span::default(),
            ahead: false,
            followed: false,
        });
        let groups: Vec<_> = groups.collect();
        Self {
            told: groups.iter().map(|_| Told::default()).collect(),
            crew: Crew::new(groups),
            lanes: Vec::new(),
            streams: all,
            threads_max,
            threads,
            kind,
            span: Span::new(now_ns, now_ns),
            unreported: false,
            ahead: None,
            counters: SamplerCounters::default(),
            sources: SourceCounts::default(),
        }
    }

    /// How many lanes are wanted: one for each stream.
    pub(crate) fn lanes(&self) -> usize {
        self.streams
    }

    /// Gives stream `n` lane `n`.
    pub(crate) fn attach(&mut self, lanes: Vec<Producer>) {
        self.lanes = lanes;
    }

    /// Follows other streams from now on; they get the lanes, if there are as many.
    pub(crate) fn restart(&mut self, streams: Vec<Stream>, kind: AddressKind) {
        self.take_back();
        debug_assert!(!self.unreported);
        let Self { crew, counters, .. } = self;
        crew.each(|group| group.streams.iter_mut().for_each(|stream| stream.abandon(counters)));
        let mut next = Self::new(streams, kind, self.now_ns(), self.threads_max);
        if next.streams == self.streams {
            next.attach(take(&mut self.lanes));
        }
        (next.counters, next.sources) = (self.counters, take(&mut self.sources));
        *self = next;
    }

    /// Until when the streams were followed.
    pub(crate) fn now_ns(&self) -> u64 {
        self.span.until_ns
    }

    pub(crate) fn counters(&self) -> SamplerCounters {
        self.counters
    }

    pub(crate) fn sources(&self) -> &SourceCounts {
        &self.sources
    }

    /// Takes what the last span took from who pays.
    pub(crate) fn charge(&self, machine: &mut Machine) {
        for Part { charge: (cpu, ns), .. } in self.told.iter().flat_map(|told| &told.parts) {
            match cpu {
                Some(cpu) => machine.charge(*cpu, *ns),
                None => machine.work_in_kernel(*ns),
            }
        }
    }

    pub(crate) fn kind(&self) -> AddressKind {
        self.kind
    }

    /// Nobody samples up to `until_ns`.
    pub(crate) fn skip(&mut self, until_ns: u64) {
        self.take_back();
        let span = Span::new(self.span.until_ns, until_ns);
        let Self { crew, counters, .. } = self;
        crew.each(|group| group.streams.iter_mut().for_each(|stream| stream.skip(span, counters)));
        self.span = span;
        self.told.iter_mut().for_each(|told| told.parts.clear());
    }

    /// Follows all streams up to `until_ns`. Nobody holds the machine afterwards.
    ///
    /// Alone, what a stream sees is reported at once, while it is in the processor's nearest cache.
    pub(crate) fn follow(&mut self, machine: &Arc<Machine>, until_ns: u64) {
        debug_assert!(!self.unreported);
        let span = Span::new(self.span.until_ns, until_ns);
        if self.ahead == Some(span) {
            self.ahead = None;
            self.unreported = true;
        } else {
            self.take_back();
            if self.crew.has_help() {
                self.crew.run(|group| group.prepare(machine, span, false));
                self.unreported = true;
            } else {
                self.follow_alone(machine, span);
            }
        }
        self.span = span;
        let Self { crew, told, counters, sources, .. } = self;
        let mut told = told.iter_mut();
        crew.each(|group| {
            let Some(told) = told.next() else { return };
            swap(told, &mut group.told);
            counters.add(&told.output.counters);
            sources.take(&mut told.output.sources);
        });
    }

    fn follow_alone(&mut self, machine: &Machine, span: Span) {
        let Self { crew, lanes, kind, .. } = self;
        let mut lanes = &lanes[..];
        crew.alone(|group| {
            let (own, others) = lanes.split_at(group.streams.len());
            lanes = others;
            group.span = span;
            group.follow(machine, |number, told| told.report_last(machine, *kind, &own[number]));
        });
    }

    /// Reports what they saw and was not reported yet.
    pub(crate) fn report(&mut self, machine: &Machine) {
        if take(&mut self.unreported) {
            let mut lanes = &self.lanes[..];
            for told in &self.told {
                let (own, others) = lanes.split_at(told.parts.len());
                told.report(machine, self.kind, own);
                lanes = others;
            }
        }
    }

    /// Sends the streams ahead through one more span like the last, if there are others than the
    /// caller to follow them and it is worth it.
    pub(crate) fn go_ahead(&mut self, machine: &Arc<Machine>) {
        let reports: u64 = self.told.iter().map(|told| told.output.counters.reported).sum();
        if self.threads < 2 || reports < REPORTS_WORTH_A_THREAD {
            return;
        }
        self.crew.hire(self.threads - 1);
        if self.crew.has_help() {
            let now_ns = self.span.until_ns;
            let span = Span::new(now_ns, now_ns + self.span.length_ns());
            self.crew.begin(|group| group.prepare(machine, span, true));
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

impl std::fmt::Debug for Sampling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampling").field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// Who made accesses; 0 where nobody knows.
#[derive(Clone, Copy, Debug)]
struct Who {
    cpu: u16,
    tgid: u32,
    tid: u32,
}

impl Who {
    fn on(cpu: u16, machine: &Machine) -> Self {
        // The CPU may have gone since.
        let owner = machine.owner(cpu);
        let tgid = owner.map_or(0, |(process, _)| machine.tgid(process));
        Self { cpu, tgid, tid: owner.map_or(0, |(_, thread)| tgid + u32::from(thread)) }
    }

    /// Of an access of theirs to the first page, at the beginning.
    fn report(self, kind: AddressKind) -> AccessReport {
        let Self { cpu, tgid, tid } = self;
        let cpu = if cpu == NO_CPU { 0 } else { cpu };
        let size = PAGE_SZ as u32;
        AccessReport { address: 0, time_ns: 0, size, tid, tgid, cpu, kind, write: false }
    }
}
