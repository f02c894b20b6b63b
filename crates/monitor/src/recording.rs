//! A recording as a source: its rows are the accesses, its time is the clock.

use std::path::Path;

use damon_core::ops::{Applied, NodeBytes, Operations, OpsId, Registry};
use damon_core::region::Range;
use damon_core::scheme::Action;
use damon_ring::{AccessReport, AddressKind, Producer};
use damon_trace::{ReaderOptions, Sample, SamplesReader, TraceError};
use thiserror::Error;

use crate::memory_blocks::MemoryBlocks;
use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

/// Rows read at a time.
const BATCH: usize = 4096;

/// How a recording is read.
#[derive(Clone, Debug, Default)]
pub struct RecordingOptions {
    /// What the reader accepts, and what a bad row does.
    pub reader: ReaderOptions,
    /// Where the nodes of the recorded machine lie, by id; may be empty.
    pub nodes: Vec<Range>,
    /// Memory to monitor; an access elsewhere is a bad row. Empty for every memory block of 128 MiB
    /// that the recording touches, from then on.
    pub ranges: Vec<Range>,
}

/// Why a recording was refused.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// The file.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// A recording of accesses by physical address. Its memory can be watched, not acted on.
pub struct Recording {
    reader: SamplesReader,
    batch: Vec<Sample>,
    /// Rows of the batch already reported.
    reported: usize,
    started_ns: u64,
    /// The lane of each CPU seen so far.
    lanes: Vec<Option<Producer>>,
    memory: RecordedMemory,
    blocks: MemoryBlocks,
    /// Memory given by the user; empty to follow what is touched.
    fixed: Vec<Range>,
}

impl Recording {
    /// Opens the file and reads its first rows.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Trace`].
    pub fn open(path: &Path, options: RecordingOptions) -> Result<Self, RecordingError> {
        let RecordingOptions { mut reader, nodes, ranges } = options;
        reader.physical_ranges = ranges.iter().map(|range| range.start..range.end).collect();
        Self::new(SamplesReader::open(path, reader)?, nodes, ranges)
    }

    fn new(
        mut reader: SamplesReader,
        nodes: Vec<Range>,
        fixed: Vec<Range>,
    ) -> Result<Self, RecordingError> {
        let mut batch = Vec::with_capacity(BATCH);
        reader.read_batch(&mut batch)?;
        let mut blocks = MemoryBlocks::default();
        let first = batch.first();
        if let Some(first) = first {
            blocks.touch(first.physical_address);
        }
        Ok(Self {
            started_ns: first.map_or(0, |first| first.time_ns),
            reader,
            batch,
            reported: 0,
            lanes: Vec::new(),
            memory: RecordedMemory { nodes },
            blocks,
            fixed,
        })
    }

    /// The next row before `until_ns`, if there is one.
    fn next(&mut self, until_ns: u64) -> Result<Next, TraceError> {
        if self.reported == self.batch.len() {
            self.reported = 0;
            if self.reader.read_batch(&mut self.batch)? == 0 {
                return Ok(Next::Ended);
            }
        }
        let sample = self.batch[self.reported];
        if sample.time_ns >= until_ns {
            return Ok(Next::Later);
        }
        self.reported += 1;
        Ok(Next::Row(sample))
    }

    fn lane(&mut self, cpu: u16, intake: &mut Intake<'_>) -> Result<&Producer, SourceError> {
        let cpu = usize::from(cpu);
        if self.lanes.len() <= cpu {
            self.lanes.resize_with(cpu + 1, || None);
        }
        let lane = &mut self.lanes[cpu];
        Ok(match lane {
            Some(lane) => lane,
            None => lane.insert(intake.add_lane()?),
        })
    }
}

enum Next {
    Row(Sample),
    Later,
    Ended,
}

impl Source for Recording {
    fn started_ns(&self) -> u64 {
        self.started_ns
    }

    fn register(&self, registry: &mut Registry) {
        // Physical addresses, by reports: what `paddr_ibs` is, whoever sampled them.
        let registered = registry.register(OpsId::PaddrIbs);
        debug_assert!(registered.is_ok());
    }

    fn ranges(&self) -> Vec<Range> {
        if self.fixed.is_empty() { self.blocks.ranges() } else { self.fixed.clone() }
    }

    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        loop {
            let sample = match self.next(until_ns)? {
                Next::Row(sample) => sample,
                Next::Later => return Ok(Fill::UpToDate),
                Next::Ended => return Ok(Fill::Ended),
            };
            if self.fixed.is_empty() && self.blocks.touch(sample.physical_address) {
                intake.set_ranges(&self.blocks.ranges())?;
            }
            let lane = self.lane(sample.cpu, intake)?;
            if lane.free_slots() == 0 {
                intake.absorb();
            }
            // There is room now, so nothing is dropped; if there were not, the lane would count it.
            let _ = self.lane(sample.cpu, intake)?.push(report(&sample));
        }
    }

    fn operations(&self) -> &dyn Operations {
        &self.memory
    }

    fn operations_mut(&mut self) -> &mut dyn Operations {
        &mut self.memory
    }

    fn can_migrate_to(&self, _nid: u32) -> bool {
        false
    }

    fn has_node(&self, nid: u32) -> bool {
        self.memory.nodes.get(nid as usize).is_some()
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::Recording {
            rows: self.reader.counts(),
            bytes_read: self.reader.bytes_read(),
            bytes_total: self.reader.bytes_total(),
        }
    }
}

fn report(sample: &Sample) -> AccessReport {
    AccessReport {
        address: sample.physical_address,
        time_ns: sample.time_ns,
        size: sample.size,
        tid: 0,
        tgid: 0,
        cpu: sample.cpu,
        kind: AddressKind::Physical,
        write: sample.write,
    }
}

/// The recorded machine's memory: it can be asked where things lay, nothing can be done to it.
#[derive(Debug)]
struct RecordedMemory {
    nodes: Vec<Range>,
}

impl Operations for RecordedMemory {
    fn apply(&mut self, _action: Action, _range: Range) -> Applied {
        Applied::default()
    }

    /// All memory counts as in use: a recording does not tell free pages.
    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes {
        let on_node = self
            .nodes
            .get(nid as usize)
            .map_or(0, |node| range.end.min(node.end).saturating_sub(range.start.max(node.start)));
        NodeBytes { on_node, total: range.size() }
    }
}
