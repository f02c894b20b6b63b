//! Whether a row may pass: the tests that need more than its text, and the books of every verdict.
//!
//! A bad row costs no allocation, but for the first of each cause: that one is explained and kept.
//! Not here: where lines come from.

use super::row::{self, Fault, Row};
use super::{BadRows, ReaderOptions, Sample};
use crate::error::{Column, RowCause, RowError, excerpt};

/// What became of the rows read so far. Never reset.
///
/// Always `read = accepted + malformed + time_backwards + time_gap + cpu_beyond_lanes +
/// address_out_of_range`. An error that ends the read on a bad row counts that row too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// Rows seen, the header not counted.
    pub read: u64,
    /// Rows handed out.
    pub accepted: u64,
    /// Lines that are no row.
    pub malformed: u64,
    /// Rows before the last accepted one in time. Equal times are fine.
    pub time_backwards: u64,
    /// Rows more than [`ReaderOptions::gap_max_ns`] after the last accepted one.
    pub time_gap: u64,
    /// Rows of a CPU not below [`ReaderOptions::cpus_max`].
    pub cpu_beyond_lanes: u64,
    /// Rows above [`ReaderOptions::physical_address_max`] or outside the
    /// [`ReaderOptions::physical_ranges`].
    pub address_out_of_range: u64,
}

impl RowCounts {
    /// Rows refused for one cause.
    pub fn refused(&self, cause: RowCause) -> u64 {
        match cause {
            RowCause::Malformed => self.malformed,
            RowCause::TimeBackwards => self.time_backwards,
            RowCause::TimeGap => self.time_gap,
            RowCause::CpuBeyondLanes => self.cpu_beyond_lanes,
            RowCause::AddressOutOfRange => self.address_out_of_range,
        }
    }

    /// Whether every row read is accounted for exactly once.
    pub fn is_balanced(&self) -> bool {
        let refused: u64 = RowCause::ALL.map(|cause| self.refused(cause)).iter().sum();
        self.read == self.accepted + refused
    }

    fn refuse(&mut self, cause: RowCause) {
        let counter = match cause {
            RowCause::Malformed => &mut self.malformed,
            RowCause::TimeBackwards => &mut self.time_backwards,
            RowCause::TimeGap => &mut self.time_gap,
            RowCause::CpuBeyondLanes => &mut self.cpu_beyond_lanes,
            RowCause::AddressOutOfRange => &mut self.address_out_of_range,
        };
        *counter += 1;
        self.read += 1;
    }
}

/// What a row must fit, and the account of those that did and did not.
#[derive(Debug)]
pub(super) struct Gate {
    options: ReaderOptions,
    /// The time of the last accepted row.
    time_ns_min: u64,
    /// The same and `gap_max_ns`; any time before the first accepted row.
    time_ns_max: u64,
    counts: RowCounts,
    /// The first refused row of each cause, in the order of [`RowCause::ALL`].
    first_bad_rows: [Option<Box<RowError>>; RowCause::ALL.len()],
}

/// Why a line was refused, before any of it is put into words.
#[derive(Debug, PartialEq, Eq)]
enum Refusal<'a> {
    Malformed(Fault<'a>),
    TimeBackwards,
    TimeGap,
    CpuBeyondLanes,
    AddressOutOfRange,
}

impl Gate {
    pub(super) fn new(options: ReaderOptions) -> Self {
        Self {
            options,
            time_ns_min: 0,
            time_ns_max: u64::MAX,
            counts: RowCounts::default(),
            first_bad_rows: Default::default(),
        }
    }

    pub(super) fn counts(&self) -> &RowCounts {
        &self.counts
    }

    pub(super) fn first_bad_row(&self, cause: RowCause) -> Option<&RowError> {
        self.first_bad_rows[cause as usize].as_deref()
    }

    /// Passes a row whose text is good, if it fits: the fast way. `None` changes nothing.
    #[inline(always)]
    pub(super) fn admit(&mut self, row: &Row) -> Option<Sample> {
        // `&`, not `&&`: one branch for four tests.
        let fits = (row.time_ns >= self.time_ns_min)
            & (row.time_ns <= self.time_ns_max)
            & (row.cpu < u64::from(self.options.cpus_max))
            & self.is_in_memory(row.physical_address);
        fits.then(|| self.pass(row))
    }

    /// Passes or refuses any line, given without its end; `None` for a refusal that is only counted.
    /// `at_cut_end`: the line is the file's last and had no end.
    ///
    /// # Errors
    /// The refusal, if bad rows stop the read.
    pub(super) fn judge(
        &mut self,
        line: &[u8],
        at_cut_end: bool,
    ) -> Result<Option<Sample>, RowError> {
        let refusal = match row::read_careful(line) {
            Err(fault) => Refusal::Malformed(fault),
            Ok(row) => match self.misfit(&row) {
                None => return Ok(Some(self.pass(&row))),
                Some(refusal) => refusal,
            },
        };
        let cause = refusal.cause();
        self.counts.refuse(cause);
        if self.first_bad_rows[cause as usize].is_none() {
            let error = self.explain(refusal, line, at_cut_end);
            self.first_bad_rows[cause as usize] = Some(Box::new(error.clone()));
            if self.options.bad_rows == BadRows::Stop {
                return Err(error);
            }
        }
        Ok(None)
    }

    #[inline(always)]
    fn pass(&mut self, row: &Row) -> Sample {
        self.time_ns_min = row.time_ns;
        self.time_ns_max = row.time_ns.saturating_add(self.options.gap_max_ns);
        self.counts.read += 1;
        self.counts.accepted += 1;
        Sample {
            time_ns: row.time_ns,
            virtual_address: row.virtual_address,
            physical_address: row.physical_address,
            size: row.size,
            // Below `cpus_max`, so nothing is lost.
            cpu: row.cpu as u16,
            write: row.write,
        }
    }

    #[inline(always)]
    fn is_in_memory(&self, address: u64) -> bool {
        let ReaderOptions { physical_address_max, physical_ranges, .. } = &self.options;
        address <= *physical_address_max
            && (physical_ranges.is_empty()
                || physical_ranges.iter().any(|range| range.contains(&address)))
    }

    /// The tests of [`admit`](Self::admit), in the order in which they name a cause.
    fn misfit(&self, row: &Row) -> Option<Refusal<'static>> {
        if row.time_ns < self.time_ns_min {
            Some(Refusal::TimeBackwards)
        } else if row.time_ns > self.time_ns_max {
            Some(Refusal::TimeGap)
        } else if row.cpu >= u64::from(self.options.cpus_max) {
            Some(Refusal::CpuBeyondLanes)
        } else if !self.is_in_memory(row.physical_address) {
            Some(Refusal::AddressOutOfRange)
        } else {
            None
        }
    }

    /// Puts the refusal of the row counted last into words.
    #[cold]
    fn explain(&self, refusal: Refusal<'_>, line: &[u8], at_cut_end: bool) -> RowError {
        let Self { time_ns_min, time_ns_max, options, counts, .. } = self;
        let (row, cause) = (counts.read, refusal.cause());
        let (column, expected) = match refusal {
            Refusal::Malformed(Fault { column, expected, received, incomplete }) => {
                let (cut, received) = (at_cut_end && incomplete, excerpt(received));
                return RowError { row, column, cause, cut, expected: expected.into(), received };
            }
            Refusal::TimeBackwards => {
                (Column::Time, format!("at least {time_ns_min}, the time of the last accepted row"))
            }
            Refusal::TimeGap => {
                let gap_max_ns = options.gap_max_ns;
                (
                    Column::Time,
                    format!("at most {time_ns_max}, {gap_max_ns} ns after the last accepted row"),
                )
            }
            Refusal::CpuBeyondLanes => (Column::Cpu, format!("below {}", options.cpus_max)),
            Refusal::AddressOutOfRange => (Column::PhysicalAddress, bounds(options)),
        };
        let received = excerpt(row::field(line, column).unwrap_or_default());
        let (column, expected) = (Some(column), expected.into());
        RowError { row, column, cause, cut: false, expected, received }
    }
}

/// The memory that addresses must lie in, in words.
fn bounds(options: &ReaderOptions) -> String {
    let ReaderOptions { physical_address_max, physical_ranges, .. } = options;
    if physical_ranges.is_empty() {
        return format!("at most {physical_address_max:#x}");
    }
    let ranges: Vec<_> = physical_ranges
        .iter()
        .map(|range| format!("{:#x}..{:#x}", range.start, range.end))
        .collect();
    format!("in {}", ranges.join(" or "))
}

impl Refusal<'_> {
    fn cause(&self) -> RowCause {
        match self {
            Self::Malformed(_) => RowCause::Malformed,
            Self::TimeBackwards => RowCause::TimeBackwards,
            Self::TimeGap => RowCause::TimeGap,
            Self::CpuBeyondLanes => RowCause::CpuBeyondLanes,
            Self::AddressOutOfRange => RowCause::AddressOutOfRange,
        }
    }
}
