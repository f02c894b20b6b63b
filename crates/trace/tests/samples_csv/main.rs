//! The samples reader as its callers see it: every error, an oracle, damage, the real recording.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod naive;

mod damage;
mod errors;
mod oracle;
mod recording;

use std::io::{Cursor, Read};

use damon_trace::{BadRows, ReaderOptions, RowCounts, Sample, SamplesReader, TraceError};

const HEADER: &str = "time_ns,cpu,vaddr,paddr,is_write,size\n";
const COUNT: ReaderOptions = ReaderOptions {
    bad_rows: BadRows::Count,
    cpus_max: 8192,
    gap_max_ns: 3_600_000_000_000,
    physical_address_max: (1 << 52) - 1,
    physical_ranges: Vec::new(),
};

/// Everything a recording has to say.
#[derive(Debug)]
struct Reading {
    samples: Vec<Sample>,
    failure: Option<TraceError>,
    counts: RowCounts,
}

/// Reads to the end in batches of `batch_rows`, checking what holds for every recording.
fn drain(mut reader: SamplesReader, batch_rows: usize) -> (Reading, SamplesReader) {
    let mut samples = Vec::new();
    let mut batch = Vec::with_capacity(batch_rows);
    let failure = loop {
        match reader.read_batch(&mut batch) {
            Ok(0) => break None,
            Ok(count) => {
                assert!(count == batch.len() && count <= batch_rows, "{count} of {batch_rows}");
                samples.extend_from_slice(&batch);
            }
            Err(error) => break Some(error),
        }
    };
    assert_eq!(batch.capacity(), batch_rows, "the batch grew");
    assert!(batch.is_empty());
    let counts = reader.counts();
    assert!(counts.is_balanced(), "{counts:?}");
    assert_eq!(counts.accepted, samples.len() as u64);
    assert!(samples.is_sorted_by_key(|sample| sample.time_ns));
    // The end is the end, and a failure stays.
    for _ in 0..2 {
        let again = reader.read_batch(&mut batch);
        match &failure {
            None => assert_eq!(again.unwrap(), 0),
            Some(failure) => assert_eq!(again.unwrap_err().to_string(), failure.to_string()),
        }
    }
    assert_eq!(reader.counts(), counts);
    (Reading { samples, failure, counts }, reader)
}

/// Reads bytes that may not even have a header.
fn read(bytes: Vec<u8>, options: ReaderOptions) -> Reading {
    match SamplesReader::from_reader(Box::new(Cursor::new(bytes)), options) {
        Ok(reader) => drain(reader, 64).0,
        Err(error) => {
            Reading { samples: Vec::new(), failure: Some(error), counts: RowCounts::default() }
        }
    }
}

fn compress(text: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    std::io::copy(&mut &text[..], &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// Hands out at most `step` bytes at a time.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    step: usize,
}

impl Read for Trickle {
    fn read(&mut self, output: &mut [u8]) -> std::io::Result<usize> {
        let len = output.len().min(self.step);
        self.bytes.read(&mut output[..len])
    }
}

#[test]
fn a_reader_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<SamplesReader>();
    is_send::<TraceError>();
}
