//! Memory: flat in the length of the recording, and nothing allocated between two batches.

use std::alloc::System;
use std::io::{Cursor, Read};

use damon_trace::{BadRows, ReaderOptions, SamplesReader};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The header, then the same rows for as long as anyone reads.
struct Endless {
    rows: Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, output: &mut [u8]) -> std::io::Result<usize> {
        match self.rows.read(output)? {
            0 => {
                self.rows.set_position(0);
                self.rows.read(output)
            }
            count => Ok(count),
        }
    }
}

#[test]
fn reading_on_allocates_nothing_even_for_bad_rows() {
    let good = "1000,3,0xffffffffb7743aa0,0x37943aa0,1,8\n".repeat(5);
    let bad = "999,0,0x1,0x1,0,1\n1000,9999,0x1,0x1,0,1\n,\n\n99999999999999999,0,0x0,0x0,0,1\n";
    let endless = "7".repeat(9_000);
    let rows = Cursor::new(format!("{good}{bad}{endless}\n").into_bytes());
    let source = Cursor::new("time_ns,cpu,vaddr,paddr,is_write,size\n").chain(Endless { rows });
    let options = ReaderOptions { bad_rows: BadRows::Count, ..ReaderOptions::default() };
    let mut reader = SamplesReader::from_reader(Box::new(source), options).unwrap();
    let mut batch = Vec::with_capacity(4096);
    assert_eq!(reader.read_batch(&mut batch).unwrap(), 4096);

    let region = Region::new(ALLOCATOR);
    for _ in 0..4 {
        assert_eq!(reader.read_batch(&mut batch).unwrap(), 4096);
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
    let counts = reader.counts();
    assert!(counts.is_balanced() && counts.malformed > 4096, "{counts:?}");
}
