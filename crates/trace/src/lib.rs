//! Readers of recordings: files of memory accesses that some other program sampled earlier.
//!
//! A recording replayed is a sampler like any other: what a reader hands out becomes access
//! reports, so the same monitoring runs on a live machine and on a file. Readers stream. Their
//! memory does not grow with the file, and they allocate nothing per row.
//!
//! - [`samples_csv`](SamplesReader): rows of `time_ns,cpu,vaddr,paddr,is_write,size`, plain or
//!   zstd-compressed.
//! - [`error`](TraceError): what a file can do wrong, with a stable code, the place, what was
//!   expected there and what was found.
//!
//! Every row is accounted for ([`RowCounts`]): accepted, or refused for exactly one cause. A file
//! that is cut or damaged is an error wherever its format lets that be seen, never a short read.
//!
//! Not here: rings, regions, and any opinion on what an access means.

#![forbid(unsafe_code)]

mod samples_csv;

mod error;

pub use error::{Column, RowCause, RowError, TraceError};
pub use samples_csv::{BadRows, ReaderOptions, RowCounts, Sample, SamplesReader};
