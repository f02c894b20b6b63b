//! What a recording can do wrong, told so that a caller can act on it.
//!
//! Every error answers four questions: `code` (stable, for programs), `path` (where), `expected`
//! and `received`. `Display` joins them into one sentence.
//! Not here: finding the faults (see [`samples_csv`](crate::SamplesReader)).

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most bytes of refused text that an error repeats: a whole good row fits, a binary file does not.
const EXCERPT_BYTES_MAX: usize = 72;

/// The columns of a row, in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// `time_ns`
    Time,
    /// `cpu`
    Cpu,
    /// `vaddr`
    VirtualAddress,
    /// `paddr`
    PhysicalAddress,
    /// `is_write`
    Write,
    /// `size`
    Size,
}

impl Column {
    /// All columns, in file order.
    pub const ALL: [Self; 6] = [
        Self::Time,
        Self::Cpu,
        Self::VirtualAddress,
        Self::PhysicalAddress,
        Self::Write,
        Self::Size,
    ];

    /// The column's name in the header line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time_ns",
            Self::Cpu => "cpu",
            Self::VirtualAddress => "vaddr",
            Self::PhysicalAddress => "paddr",
            Self::Write => "is_write",
            Self::Size => "size",
        }
    }
}

/// Why a row was refused. Each cause has a counter of its own in [`RowCounts`](crate::RowCounts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowCause {
    /// The text is not a row: a column is missing, unreadable or too many, or the line is too long.
    Malformed,
    /// `time_ns` is before the last accepted row.
    TimeBackwards,
    /// `time_ns` is more than `gap_max_ns` after the last accepted row.
    TimeGap,
    /// `cpu` is not below `cpus_max`.
    CpuBeyondLanes,
    /// `paddr` is above `physical_address_max`, or in none of the `physical_ranges`.
    AddressOutOfRange,
}

impl RowCause {
    /// All causes, in the order in which a row is tested.
    pub const ALL: [Self; 5] = [
        Self::Malformed,
        Self::TimeBackwards,
        Self::TimeGap,
        Self::CpuBeyondLanes,
        Self::AddressOutOfRange,
    ];
}

/// One refused row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Expected {} (line {}) to be {expected}, got {}{}",
    self.path(),
    self.line(),
    Quoted(received),
    if *cut { ": the file ends inside this row" } else { "" }
)]
pub struct RowError {
    pub(crate) row: u64,
    pub(crate) column: Option<Column>,
    pub(crate) cause: RowCause,
    pub(crate) cut: bool,
    pub(crate) expected: Cow<'static, str>,
    pub(crate) received: String,
}

impl RowError {
    /// Number of the row, from 1: the first row after the header.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Number of the line in the file, from 1: the header.
    pub fn line(&self) -> u64 {
        self.row.saturating_add(1)
    }

    /// The first column that fails; `None` when the line as a whole is refused.
    pub fn column(&self) -> Option<Column> {
        self.column
    }

    /// Why the row was refused.
    pub fn cause(&self) -> RowCause {
        self.cause
    }

    /// Whether the file ends, without a newline, inside this row. Its cause is then `Malformed`.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Stable code: `ERR_DAMON_TRACE_{ROW,TRUNCATED,TIME,CPU,ADDRESS}`.
    pub fn code(&self) -> &'static str {
        match self.cause {
            RowCause::Malformed if self.cut => "ERR_DAMON_TRACE_TRUNCATED",
            RowCause::Malformed => "ERR_DAMON_TRACE_ROW",
            RowCause::TimeBackwards | RowCause::TimeGap => "ERR_DAMON_TRACE_TIME",
            RowCause::CpuBeyondLanes => "ERR_DAMON_TRACE_CPU",
            RowCause::AddressOutOfRange => "ERR_DAMON_TRACE_ADDRESS",
        }
    }

    /// Where: `row 17` or `row 17, column cpu`.
    pub fn path(&self) -> String {
        match self.column {
            Some(column) => format!("row {}, column {}", self.row, column.name()),
            None => format!("row {}", self.row),
        }
    }

    /// What would have been accepted there.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// The offending text, shortened and printable; empty when there was none.
    pub fn received(&self) -> &str {
        &self.received
    }
}

/// Why a recording could not be opened or read on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file is missing, not permitted, or a directory.
    #[error("Expected {} to be a readable file, got {source}", file.display())]
    Open {
        /// The file as the caller named it.
        file: PathBuf,
        /// The refusal of the operating system.
        source: Arc<io::Error>,
    },
    /// The source failed while being read.
    #[error("Expected the {} to be readable, got {source}", after(*rows_read))]
    Read {
        /// Rows read before; `None` while still in the header.
        rows_read: Option<u64>,
        /// The refusal of the operating system.
        source: Arc<io::Error>,
    },
    /// There is no sample: nothing at all, or a header only.
    #[error("Expected the recording to be {}, got {}", self.expected(), self.received())]
    Empty {
        /// Whether there was a header.
        has_header: bool,
    },
    /// The first line is not the header of this format.
    #[error("Expected the header to be {}, got {}", self.expected(), Quoted(received))]
    Header {
        /// The first line, shortened and printable.
        received: String,
    },
    /// The file ends inside a zstd frame. (One that ends inside a row is a [`RowError`].)
    #[error("Expected the {} to be {}, got {}", after(*rows_read), self.expected(), self.received())]
    Truncated {
        /// Rows read before; `None` while still in the header.
        rows_read: Option<u64>,
    },
    /// The compressed bytes are damaged: bad magic number, bad block, or a checksum that differs.
    #[error("Expected the {} to be {}, got {source}", after(*rows_read), self.expected())]
    Corrupt {
        /// Rows read before; `None` while still in the header.
        rows_read: Option<u64>,
        /// zstd's own words.
        source: Arc<io::Error>,
    },
    /// A row was refused and [`BadRows::Stop`](crate::BadRows::Stop) is set.
    #[error(transparent)]
    Row(#[from] RowError),
}

impl TraceError {
    pub(crate) fn open(file: &Path, source: io::Error) -> Self {
        Self::Open { file: file.to_owned(), source: Arc::new(source) }
    }

    /// Stable code, such as `ERR_DAMON_TRACE_OPEN`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "ERR_DAMON_TRACE_OPEN",
            Self::Read { .. } => "ERR_DAMON_TRACE_READ",
            Self::Empty { .. } => "ERR_DAMON_TRACE_EMPTY",
            Self::Header { .. } => "ERR_DAMON_TRACE_HEADER",
            Self::Truncated { .. } => "ERR_DAMON_TRACE_TRUNCATED",
            Self::Corrupt { .. } => "ERR_DAMON_TRACE_CORRUPT",
            Self::Row(row) => row.code(),
        }
    }

    /// Where: the file's name, `recording`, `header`, `bytes after row 16`, `row 17` or
    /// `row 17, column cpu`.
    pub fn path(&self) -> String {
        match self {
            Self::Open { file, .. } => file.display().to_string(),
            Self::Empty { .. } => "recording".to_owned(),
            Self::Header { .. } => "header".to_owned(),
            Self::Read { rows_read, .. }
            | Self::Truncated { rows_read }
            | Self::Corrupt { rows_read, .. } => after(*rows_read),
            Self::Row(row) => row.path(),
        }
    }

    /// What would have been accepted there.
    pub fn expected(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Open { .. } => "a readable file",
            Self::Read { .. } => "readable",
            Self::Empty { has_header: false } => "a header line and at least one sample",
            Self::Empty { has_header: true } => "at least one sample",
            Self::Header { .. } => return Cow::Owned(format!("`{}`", crate::samples_csv::HEADER)),
            Self::Truncated { .. } => "the rest of a zstd frame",
            Self::Corrupt { .. } => "an intact zstd frame",
            Self::Row(row) => row.expected(),
        })
    }

    /// The offending text, shortened and printable, or what happened instead; empty for a row
    /// that lacks the column.
    pub fn received(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Open { source, .. }
            | Self::Read { source, .. }
            | Self::Corrupt { source, .. } => {
                return Cow::Owned(source.to_string());
            }
            Self::Empty { has_header: false } => "nothing",
            Self::Empty { has_header: true } => "a header and no rows",
            Self::Truncated { .. } => "the end of the file",
            Self::Header { received } => received,
            Self::Row(row) => row.received(),
        })
    }

    /// The refused row, if that is what ended the read.
    pub fn row(&self) -> Option<&RowError> {
        match self {
            Self::Row(row) => Some(row),
            _ => None,
        }
    }
}

fn after(rows_read: Option<u64>) -> String {
    match rows_read {
        None => "bytes of the header".to_owned(),
        Some(0) => "bytes after the header".to_owned(),
        Some(rows) => format!("bytes after row {rows}"),
    }
}

/// Refused text between backticks, or the word for there being none.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { f.write_str("nothing") } else { write!(f, "`{}`", self.0) }
    }
}

/// Makes refused bytes fit for a message: printable ASCII, of a bounded length.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    match bytes.get(..EXCERPT_BYTES_MAX) {
        Some(head) if bytes.len() > EXCERPT_BYTES_MAX => format!("{}...", head.escape_ascii()),
        _ => bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_printable_and_short() {
        assert_eq!(excerpt(b""), "");
        assert_eq!(excerpt(b"12,\xff\x00"), r"12,\xff\x00");
        assert_eq!(excerpt(&[b'7'; EXCERPT_BYTES_MAX]), "7".repeat(EXCERPT_BYTES_MAX));
        let long = excerpt(&[0xff; 1 << 20]);
        assert!(long.ends_with(r"\xff...") && long.len() <= 4 * EXCERPT_BYTES_MAX + 3);
    }

    #[test]
    fn a_place_is_told_even_before_the_first_row() {
        assert_eq!(after(None), "bytes of the header");
        assert_eq!(after(Some(0)), "bytes after the header");
        assert_eq!(after(Some(17)), "bytes after row 17");
    }
}
