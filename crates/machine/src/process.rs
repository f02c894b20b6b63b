//! Processes as they run: which phase, which lines.

use std::ops::Range;

use crate::heat::Heat;

/// A process, running.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) tgid: u32,
    pub(crate) memcg: String,
    pub(crate) cpus: Range<u16>,
    /// How many of them are there.
    pub(crate) online: u16,
    pub(crate) memory_share: f64,
    pub(crate) cycles_per_op: f64,
    /// Its areas, of all areas.
    pub(crate) areas: Range<usize>,
    phases: Vec<Phase>,
    repeats: bool,
    phase: usize,
    phase_ends_ns: u64,
    /// Of the running phase, per line: 32 random bits below it choose the line, or one before.
    thresholds: Vec<u64>,
}

#[derive(Debug)]
struct Phase {
    duration_ns: u64,
    /// Numbers of its lines.
    lines: Range<u16>,
}

impl Process {
    /// `phases`: durations and lines; at least one.
    pub(crate) fn new(
        config: &crate::workload::Process,
        cpus: Range<u16>,
        areas: Range<usize>,
        phases: Vec<(u64, Range<u16>)>,
        heat: &Heat,
    ) -> Self {
        let phases: Vec<_> =
            phases.into_iter().map(|(duration_ns, lines)| Phase { duration_ns, lines }).collect();
        let mut process = Self {
            tgid: config.tgid,
            memcg: config.memcg.clone(),
            online: cpus.end - cpus.start,
            cpus,
            memory_share: config.memory_share,
            cycles_per_op: config.cycles_per_op,
            areas,
            phases,
            repeats: config.repeats,
            phase: 0,
            phase_ends_ns: 0,
            thresholds: Vec::new(),
        };
        process.enter(0, 0, heat);
        process
    }

    fn enter(&mut self, phase: usize, now_ns: u64, heat: &Heat) {
        self.phase = phase;
        let is_last = phase + 1 == self.phases.len() && !self.repeats;
        self.phase_ends_ns =
            if is_last { u64::MAX } else { now_ns.saturating_add(self.phases[phase].duration_ns) };
        let mut sum = 0.0;
        let thresholds = self.lines().map(|line| {
            sum += heat.line(line).share;
            (sum * 4_294_967_296.0).ceil() as u64
        });
        self.thresholds = thresholds.collect();
    }

    /// When the next phase begins.
    pub(crate) fn phase_ends_ns(&self) -> u64 {
        self.phase_ends_ns
    }

    /// Whether another phase runs at `now_ns` than before.
    pub(crate) fn advance(&mut self, now_ns: u64, heat: &Heat) -> bool {
        let before = self.phase;
        while self.phase_ends_ns <= now_ns {
            self.enter((self.phase + 1) % self.phases.len(), self.phase_ends_ns, heat);
        }
        self.phase != before
    }

    /// Numbers of the running phase's lines.
    pub(crate) fn lines(&self) -> Range<u16> {
        self.phases[self.phase].lines.clone()
    }

    /// The line of an access that the high 32 of these random bits choose.
    pub(crate) fn line(&self, random: u64) -> u16 {
        let last = self.thresholds.len() - 1;
        let first = self.lines().start;
        let choice = random >> 32;
        first + self.thresholds[..last].partition_point(|&threshold| threshold <= choice) as u16
    }
}
