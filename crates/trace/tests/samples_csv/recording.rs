//! The bundled recording: what it is known to hold.

use std::path::Path;

use damon_trace::{ReaderOptions, SamplesReader};

use crate::drain;

#[test]
fn the_bundled_recording_is_read_to_its_last_row() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/redis-linux-6.12.samples.csv.zst");
    let reader = SamplesReader::open(&path, ReaderOptions::default()).unwrap();
    assert_eq!(reader.bytes_total(), Some(path.metadata().unwrap().len()));
    let (reading, reader) = drain(reader, 4096);
    assert!(reading.failure.is_none(), "{:?}", reading.failure);
    assert_eq!((reading.counts.read, reading.counts.accepted), (1_289_216, 1_289_216));
    assert_eq!(Some(reader.bytes_read()), reader.bytes_total());

    let (first, last) = (reading.samples[0], reading.samples[1_289_215]);
    assert_eq!((first.time_ns, first.virtual_address, first.size), (44_478_420, 0x6ff7, 4));
    assert!(first.write && !last.write);
    assert_eq!((last.time_ns, last.physical_address), (102_387_325_152, 0x3ec3_51c8));
    assert_eq!(last.virtual_address, 0xffff_8b92_fec3_51c8);
    assert!(reading.samples.iter().all(|sample| sample.cpu < 2));
}
