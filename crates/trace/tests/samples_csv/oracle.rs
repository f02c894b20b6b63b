//! The fast reader against the naive one, on good rows, bad rows and rows hit by random damage.

use std::io::Cursor;

use damon_trace::{BadRows, ReaderOptions, RowCause, SamplesReader, TraceError};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{HEADER, Trickle, compress, drain, naive};

/// Narrow enough that generated rows fail each test now and then.
fn narrow(bad_rows: BadRows) -> ReaderOptions {
    ReaderOptions {
        bad_rows,
        cpus_max: 12,
        gap_max_ns: 900,
        physical_address_max: 0xffff_ffff,
        physical_ranges: vec![0..0x1000, 0x1800..0xf000_0000],
    }
}

/// Numbers of any length, so that each digit count is as likely as another.
fn any_length() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

/// The time is a step, summed up later.
type Parts = (i64, u64, u64, u64, bool, u64, u8);

fn parts() -> impl Strategy<Value = Parts> {
    let step = prop_oneof![12 => 0..100_i64, 1 => -5..0_i64, 1 => 890..910_i64];
    let cpu = prop_oneof![20 => 0..12_u64, 1 => 12..70_000_u64, 1 => any_length()];
    let physical = prop_oneof![20 => any_length().prop_map(|a| a & 0xffff_ffff), 1 => any_length()];
    let size = prop_oneof![10 => 1..65_u64, 1 => 0..(1_u64 << 21) + 2, 1 => any_length()];
    (step, cpu, any_length(), physical, any::<bool>(), size, any::<u8>())
}

fn rows() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![Just(1000_u64), any_length().prop_map(|time| time.max(1000))];
    (start, prop::collection::vec(parts(), 1..60)).prop_map(|(mut time, rows)| {
        let mut text = String::new();
        for (step, cpu, virtual_address, physical_address, write, size, style) in rows {
            time = time.saturating_add_signed(step);
            let write = u8::from(write);
            text += &match style % 8 {
                0 => format!("{time},{cpu},{virtual_address:#X},{physical_address:#018x},{write},{size}")
                    .replace("0X", "0x"),
                1 => format!("{time:020},{cpu:03},{virtual_address:#x},{physical_address:#x},{write},{size:07}"),
                _ => format!("{time},{cpu},{virtual_address:#x},{physical_address:#x},{write},{size}"),
            };
            text += if style < 64 { "\r\n" } else { "\n" };
        }
        text.into_bytes()
    })
}

#[derive(Debug, Clone)]
enum Damage {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Lengthen(prop::sample::Index, u8, usize),
    Cut(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<prop::sample::Index>();
    let byte =
        || prop_oneof![3 => select(&b"0189afgxXAFG,,\n\r +-.\"\0\xff"[..]), 1 => any::<u8>()];
    prop_oneof![
        4 => (at(), byte()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        4 => (at(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        4 => at().prop_map(Damage::Remove),
        1 => (at(), byte(), 1..400_usize).prop_map(|(at, byte, len)| Damage::Lengthen(at, byte, len)),
        1 => at().prop_map(Damage::Cut),
    ]
}

fn damaged(mut text: Vec<u8>, damages: Vec<Damage>) -> Vec<u8> {
    for damage in damages {
        if text.is_empty() {
            break;
        }
        match damage {
            Damage::Replace(at, byte) => *at.get_mut(&mut text) = byte,
            Damage::Insert(at, byte) => text.insert(at.index(text.len()), byte),
            Damage::Remove(at) => drop(text.remove(at.index(text.len()))),
            Damage::Lengthen(at, byte, len) => {
                let at = at.index(text.len());
                text.splice(at..at, std::iter::repeat_n(byte, len));
            }
            Damage::Cut(at) => text.truncate(at.index(text.len())),
        }
    }
    text
}

fn check(
    rows: &[u8],
    step: usize,
    batch_rows: usize,
    compressed: bool,
) -> Result<(), TestCaseError> {
    let mut file = [HEADER.as_bytes(), rows].concat();
    if compressed {
        file = compress(&file);
    }
    let open = |bad_rows| {
        let trickle = Trickle { bytes: Cursor::new(file.clone()), step };
        SamplesReader::from_reader(Box::new(trickle), narrow(bad_rows)).unwrap()
    };
    let verdicts = naive::judge(rows, &narrow(BadRows::Count));

    let (reading, reader) = drain(open(BadRows::Count), batch_rows);
    let samples: Vec<_> = verdicts.iter().filter_map(|verdict| verdict.ok()).collect();
    prop_assert_eq!(&reading.samples, &samples);
    prop_assert_eq!(reading.counts.read, verdicts.len() as u64);
    for cause in RowCause::ALL {
        let is_cause = |verdict: &naive::Verdict| matches!(verdict, Err((c, _)) if *c == cause);
        let refused = verdicts.iter().filter(|verdict| is_cause(verdict)).count();
        prop_assert_eq!(reading.counts.refused(cause), refused as u64, "{:?}", cause);
        let first = verdicts.iter().position(is_cause);
        let found = reader.first_bad_row(cause);
        prop_assert_eq!(found.map(|bad| bad.row()), first.map(|index| index as u64 + 1));
        if let (Some(found), Some(first)) = (found, first) {
            prop_assert_eq!(Err((found.cause(), found.column())), verdicts[first]);
        }
    }
    prop_assert_eq!(
        reading.failure.map(|error| error.code()),
        match verdicts.len() {
            0 => Some("ERR_DAMON_TRACE_EMPTY"),
            _ => None,
        }
    );
    prop_assert_eq!(reader.bytes_read(), file.len() as u64);

    let (reading, _) = drain(open(BadRows::Stop), batch_rows);
    let good = verdicts.iter().take_while(|verdict| verdict.is_ok()).count();
    prop_assert_eq!(&reading.samples[..], &samples[..good]);
    match (reading.failure, verdicts.get(good)) {
        (Some(TraceError::Row(bad)), Some(verdict)) => {
            prop_assert_eq!(bad.row(), good as u64 + 1);
            prop_assert_eq!(&Err((bad.cause(), bad.column())), verdict);
        }
        (Some(TraceError::Empty { has_header: true }), None) => prop_assert_eq!(good, 0),
        (None, None) => {}
        other => prop_assert!(false, "{:?}", other),
    }
    Ok(())
}

/// A few bytes at a time, so that a row is cut anywhere, or all at once, so that none is.
fn step() -> impl Strategy<Value = usize> {
    prop_oneof![1..40_usize, Just(usize::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn rows_as_writers_make_them(
        rows in rows(), step in step(), batch_rows in 1..70_usize, compressed: bool,
    ) {
        check(&rows, step, batch_rows, compressed)?;
    }

    #[test]
    fn rows_hit_by_damage(
        rows in rows(), damages in prop::collection::vec(damage(), 0..12),
        step in step(), batch_rows in 1..70_usize, compressed: bool,
    ) {
        check(&damaged(rows, damages), step, batch_rows, compressed)?;
    }
}

/// 250 to 262 bytes: around the limit of 256, with every ending, seen whole or byte by byte.
#[test]
fn a_line_is_too_long_in_the_same_place_however_it_arrives() {
    let good = "7,0,0x1,0x1,0,8\n";
    for len in 250..=262 {
        for ending in ["", "\r", "\n", "\r\n"] {
            let rows = format!("{good}{}{ending}", "9".repeat(len));
            let rows = if ending.ends_with('\n') { rows + good } else { rows };
            for step in [1, 7, usize::MAX] {
                check(rows.as_bytes(), step, 3, false).unwrap();
            }
        }
    }
}

/// Longer than the reader's buffer, so that it is dropped piece by piece.
#[test]
fn an_endless_line_is_one_bad_row() {
    let good = "7,0,0x1,0x1,0,8\n";
    for tail in ["", "\n", "\r\n7,0,0x1,0x1,0,8\n"] {
        let rows = format!("{good}{}{tail}", "9".repeat(1 << 20));
        check(rows.as_bytes(), usize::MAX, 3, false).unwrap();
        check(rows.as_bytes(), 5000, 3, true).unwrap();
    }
}

#[test]
fn buffers_end_anywhere_in_a_row() {
    let mut rows = String::new();
    for row in 0..40_000_u64 {
        let address = 0xffff_8b92_0000_0000_u64 | row;
        rows += &format!(
            "{},{},{address:#x},{row:#x},{},{}\n",
            row * 7,
            row % 12,
            row % 2,
            row % 64 + 1
        );
    }
    for (step, compressed) in [(usize::MAX, false), (usize::MAX, true), (4093, false), (4093, true)]
    {
        check(rows.as_bytes(), step, 4096, compressed).unwrap();
    }
}
