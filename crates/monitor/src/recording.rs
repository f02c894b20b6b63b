//! A recording as a source: its rows are the accesses, its time is the clock.

use std::path::Path;

use damon_core::kdamond::TargetConfig;
use damon_core::ops::{
    Applied, Gauge, Job, LastApplied, NodeBytes, Operations, OpsId, Primitive, Reading, Registry,
};
use damon_core::region::Range;
use damon_ring::{AccessReport, AddressKind, Producer};
use damon_trace::{ReaderOptions, Sample, SamplesReader, TraceError};
use thiserror::Error;

use crate::memory_blocks::MemoryBlocks;
use crate::read_ahead::ReadAhead;
use crate::source::{Fill, Intake, Source, SourceCounters, SourceError};

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
    /// No thread to read it on.
    #[error("no thread to read the recording on: {0}")]
    Thread(#[from] std::io::Error),
}

/// A recording of accesses by physical address. Its memory can be watched, not acted on.
pub struct Recording {
    rows: ReadAhead,
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
    /// [`RecordingError`].
    pub fn open(path: &Path, options: RecordingOptions) -> Result<Self, RecordingError> {
        let RecordingOptions { mut reader, nodes, ranges } = options;
        reader.physical_ranges = ranges.iter().map(|range| range.start..range.end).collect();
        Self::new(SamplesReader::open(path, reader)?, nodes, ranges)
    }

    fn new(
        reader: SamplesReader,
        nodes: Vec<Range>,
        fixed: Vec<Range>,
    ) -> Result<Self, RecordingError> {
        let mut rows = ReadAhead::new(reader)?;
        let mut blocks = MemoryBlocks::default();
        let first = rows.peek()?;
        if let Some(first) = first {
            blocks.touch(first.physical_address);
        }
        Ok(Self {
            started_ns: first.map_or(0, |first| first.time_ns),
            rows,
            lanes: Vec::new(),
            memory: RecordedMemory { nodes },
            blocks,
            fixed,
        })
    }

    fn lane(&mut self, cpu: u16, intake: &mut Intake<'_>) -> Result<&Producer, SourceError> {
        let cpu = usize::from(cpu);
        if self.lanes.len() <= cpu {
            self.lanes.resize_with(cpu + 1, || None);
        }
        match &mut self.lanes[cpu] {
            Some(lane) => Ok(lane),
            none => Ok(none.insert(intake.add_lane()?)),
        }
    }
}

impl Source for Recording {
    fn started_ns(&self) -> u64 {
        self.started_ns
    }

    fn register(&self, registry: &mut Registry) {
        // Physical addresses, by reports: what `paddr_ibs` is, whoever sampled them.
        let registered = registry.register(OpsId::PaddrIbs, Primitive::Reports);
        debug_assert!(registered.is_ok());
    }

    fn targets(&self, _ops: OpsId) -> Vec<TargetConfig> {
        let ranges = if self.fixed.is_empty() { self.blocks.ranges() } else { self.fixed.clone() };
        vec![TargetConfig::physical(ranges)]
    }

    fn fill(&mut self, until_ns: u64, intake: &mut Intake<'_>) -> Result<Fill, SourceError> {
        loop {
            let Some(sample) = self.rows.peek()? else { return Ok(Fill::Ended) };
            if sample.time_ns >= until_ns {
                return Ok(Fill::UpToDate);
            }
            self.rows.take();
            if self.fixed.is_empty() && self.blocks.touch(sample.physical_address) {
                intake.set_ranges(&self.blocks.ranges())?;
            }
            let lane = self.lane(sample.cpu, intake)?;
            if lane.free_slots() == 0 {
                intake.absorb();
            }
            // There is room now, so nothing is dropped; if there were not, the lane would count it.
            let _ = lane.push(report(&sample));
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
            rows: self.rows.counts(),
            bytes_read: self.rows.bytes_read(),
            bytes_total: self.rows.bytes_total(),
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
    fn apply(&mut self, _job: &Job<'_>, _last: &mut LastApplied) -> Applied {
        Applied::default()
    }

    // The one set there is lives on reports.
    fn prepare_access_checks(&mut self, _tgid: Option<u32>, _addresses: &[u64]) {}

    fn check_accesses(&mut self, _tgid: Option<u32>, _addresses: &[u64], _accessed: &mut [bool]) {}

    fn is_target_valid(&self, _tgid: u32) -> bool {
        false
    }

    fn mappings(&self, _tgid: u32) -> Option<Vec<Range>> {
        None
    }

    fn read(&self, _gauge: &Gauge) -> Option<Reading> {
        None
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
