//! Each way to be wrong: the code, the place, what was expected and what was found.

use std::io::{self, Cursor, Read};
use std::path::Path;

use damon_trace::{BadRows, ReaderOptions, RowCause, Sample, SamplesReader, TraceError};

use crate::{COUNT, HEADER, drain, read};

const GOOD: &str = "1000,3,0xffffffffb7743aa0,0x37943aa0,1,8\n";

fn failure(text: &str) -> TraceError {
    read(text.as_bytes().to_vec(), ReaderOptions::default()).failure.unwrap()
}

#[test]
fn good_rows_have_these_values() {
    let sample = Sample {
        time_ns: 1000,
        virtual_address: 0xffff_ffff_b774_3aa0,
        physical_address: 0x3794_3aa0,
        size: 8,
        cpu: 3,
        write: true,
    };
    for (row, sample) in [
        ("1000,3,0xffffffffb7743aa0,0x37943aa0,1,8", sample),
        ("1000,3,0xFFFFFFFFB7743AA0,0x37943aa0,1,8\n", sample),
        ("1000,3,0xffffffffb7743aa0,0x37943aa0,1,8\r", sample),
        ("001000,03,0xffffffffb7743aa0,0x0000000037943aa0,1,08\r\n", sample),
        ("1000,0000000000000000003,0xffffffffb7743aa0,0x37943aa0,1,8\n", sample),
        (
            "1000,8191,0xffffffffb7743aa0,0x37943aa0,0,8\n",
            Sample { cpu: 8191, write: false, ..sample },
        ),
        (
            "18446744073709551615,3,0xffffffffb7743aa0,0x37943aa0,1,8\n",
            Sample { time_ns: u64::MAX, ..sample },
        ),
        (
            "1000,3,0x0,0xfffffffffffff,1,2097152\n",
            Sample { virtual_address: 0, physical_address: (1 << 52) - 1, size: 1 << 21, ..sample },
        ),
    ] {
        let reading = read(format!("{HEADER}{row}").into_bytes(), ReaderOptions::default());
        assert!(reading.failure.is_none(), "{row:?}: {:?}", reading.failure);
        assert_eq!(reading.samples, [sample], "{row:?}");
    }
}

#[test]
fn a_malformed_row_names_its_first_bad_column() {
    let decimal = "a decimal number of 1 to 20 digits, below 2^64";
    let hex = "0x and 1 to 16 hexadecimal digits";
    let size = "a decimal number from 1 to 2097152, then the end of the line";
    let table = [
        ("", ", column time_ns", decimal, ""),
        (" 1000,3,0x1,0x1,1,8", ", column time_ns", decimal, " 1000"),
        ("+1000,3,0x1,0x1,1,8", ", column time_ns", decimal, "+1000"),
        ("-1,3,0x1,0x1,1,8", ", column time_ns", decimal, "-1"),
        ("1e3,3,0x1,0x1,1,8", ", column time_ns", decimal, "1e3"),
        ("18446744073709551616,3,0x1,0x1,1,8", ", column time_ns", decimal, "18446744073709551616"),
        ("99999999999999999999,3,0x1,0x1,1,8", ", column time_ns", decimal, "99999999999999999999"),
        (
            "000000000000000001000,3,0x1,0x1,1,8",
            ", column time_ns",
            decimal,
            "000000000000000001000",
        ),
        ("1\u{660}00,3,0x1,0x1,1,8", ", column time_ns", decimal, r"1\xd9\xa000"),
        ("1000", ", column cpu", decimal, ""),
        ("1000,,0x1,0x1,1,8", ", column cpu", decimal, ""),
        ("1000,0x3,0x1,0x1,1,8", ", column cpu", decimal, "0x3"),
        ("1000,3 ,0x1,0x1,1,8", ", column cpu", decimal, "3 "),
        ("1000,3", ", column vaddr", hex, ""),
        ("1000,3,1,0x1,1,8", ", column vaddr", hex, "1"),
        ("1000,3,0X1,0x1,1,8", ", column vaddr", hex, "0X1"),
        ("1000,3,0x,0x1,1,8", ", column vaddr", hex, "0x"),
        ("1000,3,0x1g,0x1,1,8", ", column vaddr", hex, "0x1g"),
        ("1000,3,0x+1,0x1,1,8", ", column vaddr", hex, "0x+1"),
        ("1000,3,0x10000000000000000,0x1,1,8", ", column vaddr", hex, "0x10000000000000000"),
        ("1000,3,0x1", ", column paddr", hex, ""),
        ("1000,3,0x1,-0x1,1,8", ", column paddr", hex, "-0x1"),
        ("1000,3,0x1,0x1", ", column is_write", "0 or 1", ""),
        ("1000,3,0x1,0x1,2,8", ", column is_write", "0 or 1", "2"),
        ("1000,3,0x1,0x1,01,8", ", column is_write", "0 or 1", "01"),
        ("1000,3,0x1,0x1,true,8", ", column is_write", "0 or 1", "true"),
        ("1000,3,0x1,0x1,1", ", column size", size, ""),
        ("1000,3,0x1,0x1,1,0", ", column size", size, "0"),
        ("1000,3,0x1,0x1,1,2097153", ", column size", size, "2097153"),
        ("1000,3,0x1,0x1,1,8,", ", column size", size, "8,"),
        ("1000,3,0x1,0x1,1,8,9", ", column size", size, "8,9"),
        ("1000,3,0x1,0x1,1,8\r\r", ", column size", size, r"8\r"),
        // The first bad column is named, and text comes before meaning.
        ("x,x,x,x,x,x", ", column time_ns", decimal, "x"),
        ("0,9999,0x1,0xfffffffffffffff,1,x", ", column size", size, "x"),
    ];
    for (row, column, expected, received) in table {
        let error = failure(&format!("{HEADER}{GOOD}{row}\n{GOOD}"));
        assert_eq!(error.code(), "ERR_DAMON_TRACE_ROW", "{row:?}: {error}");
        assert_eq!(error.path(), format!("row 2{column}"), "{row:?}");
        assert_eq!((&*error.expected(), &*error.received()), (expected, received), "{row:?}");
        let reading = read(format!("{HEADER}{GOOD}{row}\n{GOOD}").into_bytes(), COUNT);
        assert_eq!((reading.counts.malformed, reading.counts.accepted), (1, 2), "{row:?}");
    }
    let error = failure(&format!("{HEADER}{GOOD}{}\n", "7".repeat(300)));
    assert_eq!((error.code(), &*error.path()), ("ERR_DAMON_TRACE_ROW", "row 2"));
    assert_eq!(error.received(), format!("{}...", "7".repeat(72)));
}

#[test]
fn a_row_that_does_not_fit_names_the_limit() {
    for (row, code, column, expected, received, cause) in [
        (
            "999,3,0x1,0x1,1,8",
            "ERR_DAMON_TRACE_TIME",
            "time_ns",
            "at least 1000, the time of the last accepted row",
            "999",
            RowCause::TimeBackwards,
        ),
        (
            "3600000001001,3,0x1,0x1,1,8",
            "ERR_DAMON_TRACE_TIME",
            "time_ns",
            "at most 3600000001000, 3600000000000 ns after the last accepted row",
            "3600000001001",
            RowCause::TimeGap,
        ),
        (
            "1000,8192,0x1,0x1,1,8",
            "ERR_DAMON_TRACE_CPU",
            "cpu",
            "below 8192",
            "8192",
            RowCause::CpuBeyondLanes,
        ),
        (
            "1000,70000,0x1,0x1,1,8",
            "ERR_DAMON_TRACE_CPU",
            "cpu",
            "below 8192",
            "70000",
            RowCause::CpuBeyondLanes,
        ),
        (
            "1000,3,0x1,0x10000000000000,1,8",
            "ERR_DAMON_TRACE_ADDRESS",
            "paddr",
            "at most 0xfffffffffffff",
            "0x10000000000000",
            RowCause::AddressOutOfRange,
        ),
        // Failing several tests, a row counts for the first.
        (
            "999,8192,0x1,0x10000000000000,1,8",
            "ERR_DAMON_TRACE_TIME",
            "time_ns",
            "at least 1000, the time of the last accepted row",
            "999",
            RowCause::TimeBackwards,
        ),
    ] {
        let text = format!("{HEADER}{GOOD}{row}\n3600000001000,0,0x1,0x1,0,1\n");
        let error = failure(&text);
        assert_eq!((error.code(), error.path()), (code, format!("row 2, column {column}")));
        assert_eq!((&*error.expected(), &*error.received()), (expected, received));
        let reader =
            SamplesReader::from_reader(Box::new(Cursor::new(text.into_bytes())), COUNT).unwrap();
        let (reading, reader) = drain(reader, 4096);
        assert_eq!((reading.counts.refused(cause), reading.counts.accepted), (1, 2), "{row}");
        let first = reader.first_bad_row(cause).unwrap();
        assert_eq!((first.row(), first.line(), first.cause()), (2, 3, cause));
    }
}

#[test]
fn time_is_compared_with_the_last_accepted_row() {
    let options = || ReaderOptions { gap_max_ns: 10, ..COUNT };
    let rows = |times: &[u64]| {
        let rows: String = times.iter().map(|time| format!("{time},0,0x1,0x1,0,1\n")).collect();
        let reading = read(format!("{HEADER}{rows}").into_bytes(), options());
        let times: Vec<u64> = reading.samples.iter().map(|sample| sample.time_ns).collect();
        (times, reading.counts.time_backwards, reading.counts.time_gap)
    };
    // The row that goes too far does not drag the others with it; the first may be anywhere.
    assert_eq!(rows(&[500, 900, 499, 510, 510, 505]), (vec![500, 510, 510], 2, 1));
    assert_eq!(rows(&[u64::MAX - 1, u64::MAX, 0]), (vec![u64::MAX - 1, u64::MAX], 1, 0));
}

#[test]
fn the_sentences_read_well() {
    for (text, sentence) in [
        (
            String::new(),
            "Expected the recording to be a header line and at least one sample, got nothing",
        ),
        (
            HEADER.to_owned(),
            "Expected the recording to be at least one sample, got a header and no rows",
        ),
        (
            "time,cpu\n1,2\n".to_owned(),
            "Expected the header to be `time_ns,cpu,vaddr,paddr,is_write,size`, got `time,cpu`",
        ),
        (
            format!("{HEADER}1,x,0x1,0x1,0,1\n"),
            "Expected row 1, column cpu (line 2) to be a decimal number of 1 to 20 digits, below 2^64, got `x`",
        ),
        (
            format!("{HEADER}{GOOD}2000,0,0x1"),
            "Expected row 2, column paddr (line 3) to be 0x and 1 to 16 hexadecimal digits, got nothing: \
          the file ends inside this row",
        ),
    ] {
        assert_eq!(failure(&text).to_string(), sentence);
    }
}

#[test]
fn a_wrong_header_is_shown_whatever_it_is() {
    let long = "x".repeat(1 << 20);
    for header in [
        "\n",
        " \n",
        "\u{feff}time_ns,cpu,vaddr,paddr,is_write,size\n",
        "time_ns,cpu,vaddr,paddr,is_write,size,\n",
        "1,0,0x1,0x1,0,1\n",
        "\0",
        &long,
    ] {
        let error = failure(header);
        assert_eq!((error.code(), &*error.path()), ("ERR_DAMON_TRACE_HEADER", "header"));
        assert!(error.received().len() < 300 && error.received().is_ascii(), "{error}");
    }
    assert_eq!(failure(HEADER.trim_end()).code(), "ERR_DAMON_TRACE_EMPTY");
    assert_eq!(failure(&HEADER.replace('\n', "\r\n")).code(), "ERR_DAMON_TRACE_EMPTY");
}

#[test]
fn a_file_that_cannot_be_opened_says_why() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, word) in
        [(folder.join("no-such-recording"), "No such file"), (folder.join("src"), "directory")]
    {
        let error = SamplesReader::open(&path, ReaderOptions::default()).unwrap_err();
        assert_eq!(
            (error.code(), error.path()),
            ("ERR_DAMON_TRACE_OPEN", path.display().to_string())
        );
        assert!(error.received().contains(word), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

/// Good text, then a fault.
struct Faulty(Cursor<String>);

impl Read for Faulty {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        match self.0.read(output)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_read_that_fails_comes_after_the_rows_before_it() {
    let open = |text: String| {
        SamplesReader::from_reader(Box::new(Faulty(Cursor::new(text))), ReaderOptions::default())
    };
    let (reading, _) = drain(open(format!("{HEADER}{GOOD}{GOOD}1000,")).unwrap(), 4096);
    assert_eq!(reading.samples.len(), 2);
    let error = reading.failure.unwrap();
    assert_eq!((error.code(), &*error.path()), ("ERR_DAMON_TRACE_READ", "bytes after row 2"));
    assert_eq!(
        error.to_string(),
        "Expected the bytes after row 2 to be readable, got the disk is gone"
    );
    assert_eq!(open("time".to_owned()).unwrap_err().path(), "bytes of the header");
}

#[test]
fn batches_of_any_size_give_the_same_rows_and_the_same_error() {
    let text = format!("{HEADER}{}1000,x\n{GOOD}", GOOD.repeat(10));
    for batch_rows in 1..15 {
        let source = Box::new(Cursor::new(text.clone().into_bytes()));
        let reader = SamplesReader::from_reader(source, ReaderOptions::default()).unwrap();
        let (reading, _) = drain(reader, batch_rows);
        assert_eq!((reading.samples.len(), reading.counts.read), (10, 11));
        assert_eq!(reading.failure.unwrap().path(), "row 11, column cpu");
    }
}

#[test]
fn a_batch_without_room_is_given_some() {
    let source = Box::new(Cursor::new(format!("{HEADER}{GOOD}").into_bytes()));
    let mut reader = SamplesReader::from_reader(source, ReaderOptions::default()).unwrap();
    let mut batch = Vec::new();
    assert_eq!(reader.read_batch(&mut batch).unwrap(), 1);
    assert_eq!(batch.capacity(), 4096);
}

#[test]
fn counting_goes_on_where_stopping_ends() {
    assert_eq!(ReaderOptions::default(), ReaderOptions { bad_rows: BadRows::Stop, ..COUNT });
    let reading = read(format!("{HEADER}x\n\n{GOOD}1000,0").into_bytes(), COUNT);
    assert!(reading.failure.is_none(), "{reading:?}");
    assert_eq!((reading.counts.malformed, reading.counts.accepted), (3, 1));
}

#[test]
fn an_address_outside_the_given_memory_is_refused_with_the_memory_named() {
    let options = ReaderOptions {
        physical_ranges: vec![0x1000..0x2000, 0x8000..0x9000],
        ..ReaderOptions::default()
    };
    let text = format!("{HEADER}1,0,0x0,0x1000,0,8\n2,0,0x0,0x8fff,0,8\n3,0,0x0,0x2000,0,8\n");
    let reading = read(text.into_bytes(), options);
    assert_eq!(reading.samples.len(), 2);
    let error = reading.failure.unwrap();
    assert_eq!(error.code(), "ERR_DAMON_TRACE_ADDRESS");
    assert_eq!(error.path(), "row 3, column paddr");
    assert_eq!(error.expected(), "in 0x1000..0x2000 or 0x8000..0x9000");
    assert_eq!(error.received(), "0x2000");
    assert_eq!(reading.counts.address_out_of_range, 1);
}
