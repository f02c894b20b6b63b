//! The reader of `time_ns,cpu,vaddr,paddr,is_write,size` recordings.
//!
//! [`source`] fills one buffer with text, [`row`] turns text into numbers, [`gate`] lets a row pass
//! or counts why not. Cost: O(bytes), memory constant: the buffer is used again for the next fill,
//! and only the piece of a row at its end is moved.
//! A row is tested in this order and refused for the first test that fails: its text, columns left
//! to right; then against the rows before it and the options, again left to right: time, CPU,
//! physical address.
//! Not here: what a sample is used for.

mod source;

mod row;

mod gate;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use memchr::{memchr, memrchr};

use crate::error::{RowCause, RowError, TraceError, excerpt};
use gate::Gate;
use row::LINE_BYTES_MAX;
use source::{Source, SourceError};

pub use gate::RowCounts;

/// The first line of every recording.
pub(crate) const HEADER: &str = "time_ns,cpu,vaddr,paddr,is_write,size";

/// Bytes of text held at a time. Of 32, 64, 128 and 256 KiB the fastest on a core with 1 MiB of
/// cache of its own (14.1, 14.6, 14.8 and 12.7 million rows/s, zstd included).
const BUFFER_BYTES: usize = 128 << 10;

/// Batch size for a caller who left it open.
const BATCH_ROWS: usize = 4096;

/// One accepted row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sample {
    /// Nanoseconds since the recording's own start of time; never less than in the sample before.
    pub time_ns: u64,
    /// Address that the program used; the top bit is set for a kernel address.
    pub virtual_address: u64,
    /// Address in memory, as [`ReaderOptions`] bound it.
    pub physical_address: u64,
    /// Bytes accessed, 1 to 2^21.
    pub size: u32,
    /// CPU that made the access, below [`ReaderOptions::cpus_max`].
    pub cpu: u16,
    /// Whether it was a write.
    pub write: bool,
}

const _: () = assert!(size_of::<Sample>() <= 40, "a batch of 4096 is to stay within 160 KiB");

/// What a bad row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BadRows {
    /// It ends the read with an error, once the rows before it have been handed out.
    #[default]
    Stop,
    /// It is counted by cause and left out.
    Count,
}

/// What is accepted as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderOptions {
    /// What a bad row does. Default: `Stop`.
    pub bad_rows: BadRows,
    /// CPU numbers must be below. Default: 8192, the largest `NR_CPUS` of Linux on x86.
    pub cpus_max: u16,
    /// Largest step forward in time, in nanoseconds, from one accepted row to the next. Default:
    /// one hour.
    pub gap_max_ns: u64,
    /// Largest physical address, inclusive. Default: 2^52 - 1, the most that x86-64 can address.
    pub physical_address_max: u64,
    /// Memory that physical addresses must lie in; empty for any. Default: empty.
    pub physical_ranges: Vec<std::ops::Range<u64>>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            bad_rows: BadRows::Stop,
            cpus_max: 8192,
            gap_max_ns: 3_600_000_000_000,
            physical_address_max: (1 << 52) - 1,
            physical_ranges: Vec::new(),
        }
    }
}

/// A recording being read, batch by batch.
///
/// ```no_run
/// # fn main() -> Result<(), damon_trace::TraceError> {
/// let options = damon_trace::ReaderOptions::default();
/// let mut reader = damon_trace::SamplesReader::open("redis.samples.csv.zst".as_ref(), options)?;
/// let mut batch = Vec::with_capacity(4096);
/// while reader.read_batch(&mut batch)? != 0 {
///     for sample in &batch { /* ... */ }
/// }
/// # Ok(())
/// # }
/// ```
pub struct SamplesReader {
    source: Source,
    bytes_total: Option<u64>,
    buffer: Box<[u8]>,
    /// Text not yet read: `buffer[start..end]`. Whole lines, each with its newline:
    /// `buffer[start..lines_end]`.
    start: usize,
    lines_end: usize,
    end: usize,
    gate: Gate,
    header_read: bool,
    /// The source has no more bytes.
    ended: bool,
    /// All that is left is a line without a newline of its own; the one in the buffer is made up.
    unterminated: bool,
    /// What every further call answers.
    failure: Option<TraceError>,
}

impl SamplesReader {
    /// Opens a file and reads as far as the header.
    ///
    /// # Errors
    /// `Open`, `Read`, `Empty` (0 bytes), `Header`, `Truncated`, `Corrupt`.
    pub fn open(path: &Path, options: ReaderOptions) -> Result<Self, TraceError> {
        let refused = |source| TraceError::open(path, source);
        let file = File::open(path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_dir() {
            return Err(refused(io::Error::from(ErrorKind::IsADirectory)));
        }
        let mut reader = Self::from_reader(Box::new(file), options)?;
        reader.bytes_total = metadata.is_file().then_some(metadata.len());
        Ok(reader)
    }

    /// Reads from any source as far as the header. It need not be buffered.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), but `Open`.
    pub fn from_reader(
        source: Box<dyn Read + Send>,
        options: ReaderOptions,
    ) -> Result<Self, TraceError> {
        let source = Source::new(source).map_err(|error| source_failure(error, None))?;
        let mut reader = Self {
            source,
            bytes_total: None,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            lines_end: 0,
            end: 0,
            gate: Gate::new(options),
            header_read: false,
            ended: false,
            unterminated: false,
            failure: None,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// Clears `batch` and refills it with at most its capacity of accepted samples. Returns how
    /// many there are; 0 is the end of the recording. A capacity of 0 is first raised to 4096;
    /// nothing else is allocated.
    ///
    /// # Errors
    /// All samples before the fault are handed out first, so what is read does not depend on the
    /// size of batches. From then on every call returns the same error.
    pub fn read_batch(&mut self, batch: &mut Vec<Sample>) -> Result<usize, TraceError> {
        batch.clear();
        if batch.capacity() == 0 {
            batch.reserve_exact(BATCH_ROWS);
        }
        if self.failure.is_none() {
            self.failure = self.fill_batch(batch).err();
        }
        debug_assert!(self.counts().is_balanced(), "{:?}", self.counts());
        match &self.failure {
            Some(failure) if batch.is_empty() => Err(failure.clone()),
            _ => Ok(batch.len()),
        }
    }

    /// What became of the rows read so far.
    pub fn counts(&self) -> RowCounts {
        *self.gate.counts()
    }

    /// The first row refused for this cause; with [`BadRows::Stop`] the one that ended the read.
    pub fn first_bad_row(&self, cause: RowCause) -> Option<&RowError> {
        self.gate.first_bad_row(cause)
    }

    /// Bytes of the file taken so far, compressed ones if it is compressed. It runs ahead of the
    /// samples by a buffer or two, and is [`bytes_total`](Self::bytes_total) at the end.
    pub fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }

    /// The file's size when it was opened, if it has one: a pipe has none.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    fn read_header(&mut self) -> Result<(), TraceError> {
        while self.lines_end == 0 && self.end <= LINE_BYTES_MAX && !self.ended {
            self.refill()?;
        }
        if self.end == 0 {
            return Err(TraceError::Empty { has_header: false });
        }
        let text = &self.buffer[..self.end];
        let line_end = memchr(b'\n', text).unwrap_or(text.len());
        let line = without_return(&text[..line_end]);
        if line != HEADER.as_bytes() {
            return Err(TraceError::Header { received: excerpt(line) });
        }
        self.start = line_end + 1;
        self.header_read = true;
        Ok(())
    }

    /// The whole loop: rows that are plainly good, then the one that is not, then more text.
    fn fill_batch(&mut self, batch: &mut Vec<Sample>) -> Result<(), TraceError> {
        let rows_max = batch.capacity();
        loop {
            let lines = &self.buffer[..self.lines_end];
            self.start = take_good_rows(lines, self.start, &mut self.gate, batch, rows_max);
            if batch.len() == rows_max {
                return Ok(());
            } else if self.start < self.lines_end {
                batch.extend(self.judge_line()?);
            } else if self.ended {
                return self.check_not_empty();
            } else if self.end - self.start > LINE_BYTES_MAX + 1 {
                self.skip_endless_line()?;
            } else {
                self.refill()?;
            }
        }
    }

    /// Takes the line at `start`, carefully.
    fn judge_line(&mut self) -> Result<Option<Sample>, RowError> {
        let lines = &self.buffer[self.start..self.lines_end];
        // There is one: `lines` is not empty and ends with a newline.
        let line_end = memchr(b'\n', lines).unwrap_or(lines.len());
        let line = without_return(&lines[..line_end]);
        self.start = self.lines_end.min(self.start + line_end + 1);
        self.gate.judge(line, self.unterminated)
    }

    /// Refuses the text at `start`, too long for a row and without a line end in the buffer, and
    /// drops the rest of that line as it comes in.
    fn skip_endless_line(&mut self) -> Result<(), TraceError> {
        self.gate.judge(&self.buffer[self.start..self.end], false)?;
        while !self.ended {
            self.start = self.end;
            self.refill()?;
            if let Some(line_end) = memchr(b'\n', &self.buffer[..self.lines_end]) {
                self.start = line_end + 1;
                break;
            }
        }
        Ok(())
    }

    /// Moves the piece of a row to the front and reads more text behind it. That piece is short:
    /// a longer one is skipped first, so there is room.
    fn refill(&mut self) -> Result<(), TraceError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.lines_end = 0;
        let count = self.source.fill(&mut self.buffer[self.end..]).map_err(|error| {
            source_failure(error, self.header_read.then_some(self.gate.counts().read))
        })?;
        let text = &self.buffer[self.end..self.end + count];
        if let Some(at) = memrchr(b'\n', text) {
            self.lines_end = self.end + at + 1;
        }
        self.end += count;
        if count == 0 {
            self.ended = true;
            if self.end != 0 {
                self.unterminated = true;
                self.buffer[self.end] = b'\n';
                self.end += 1;
                self.lines_end = self.end;
            }
        }
        Ok(())
    }

    fn check_not_empty(&self) -> Result<(), TraceError> {
        match self.gate.counts().read {
            0 => Err(TraceError::Empty { has_header: true }),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for SamplesReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SamplesReader")
            .field("counts", self.gate.counts())
            .field("bytes_read", &self.bytes_read())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

/// Takes rows from `lines[at..]` until the batch is full or one is not plainly good. Returns where
/// that one begins.
fn take_good_rows(
    lines: &[u8],
    mut at: usize,
    gate: &mut Gate,
    batch: &mut Vec<Sample>,
    rows_max: usize,
) -> usize {
    while batch.len() < rows_max
        && let Some((row, next)) = row::read_fast(lines, at)
        && let Some(sample) = gate.admit(&row)
    {
        batch.push(sample);
        at = next;
    }
    at
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn source_failure(error: SourceError, rows_read: Option<u64>) -> TraceError {
    match error {
        SourceError::Read(source) => TraceError::Read { rows_read, source: Arc::new(source) },
        SourceError::Corrupt(source) => TraceError::Corrupt { rows_read, source: Arc::new(source) },
        SourceError::Truncated => TraceError::Truncated { rows_read },
    }
}
