//! Cut and broken files: always an error or a proper end, never a panic, never a silent short read.

use std::sync::LazyLock;

use damon_trace::ReaderOptions;
use proptest::prelude::*;

use crate::{COUNT, HEADER, compress, read};

/// Enough rows for several blocks in a frame.
fn text() -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for row in 0..9_000_u64 {
        let address = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        text += &format!("{},0,{address:#x},{:#x},{},8\n", row * 3, address >> 20, row % 2);
    }
    text.into_bytes()
}

static TEXT_AND_FILE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| (text(), compress(&text())));

#[test]
fn a_zstd_file_cut_anywhere_is_an_error() {
    let whole = compress(&text());
    let all = read(whole.clone(), ReaderOptions::default());
    assert!(all.failure.is_none() && all.samples.len() == 9_000, "{all:?}");
    let everywhere =
        (0..whole.len()).filter(|len| len % 509 == 0 || *len < 200 || whole.len() - len < 40);
    for len in everywhere {
        // Counting bad rows does not make a cut file good.
        for options in [ReaderOptions::default(), COUNT] {
            let reading = read(whole[..len].to_vec(), options);
            let failure = reading.failure.unwrap_or_else(|| panic!("cut to {len} bytes: no error"));
            let expected =
                if len == 0 { "ERR_DAMON_TRACE_EMPTY" } else { "ERR_DAMON_TRACE_TRUNCATED" };
            assert_eq!(failure.code(), expected, "cut to {len} bytes: {failure}");
            assert_eq!(reading.samples[..], all.samples[..reading.samples.len()]);
        }
    }
}

#[test]
fn a_plain_file_cut_inside_a_row_is_an_error() {
    let text = text();
    let header = HEADER.len();
    for len in 0..header + 300 {
        let reading = read(text[..len].to_vec(), ReaderOptions::default());
        let code = reading.failure.map(|error| error.code());
        let line = text[..len].rsplit(|&byte| byte == b'\n').next().unwrap();
        let columns = line.iter().filter(|&&byte| byte == b',').count() + 1;
        match len {
            0 => assert_eq!(code, Some("ERR_DAMON_TRACE_EMPTY")),
            // The newline may be missing after the header, too.
            _ if len < header - 1 => assert_eq!(code, Some("ERR_DAMON_TRACE_HEADER")),
            _ if len <= header => assert_eq!(code, Some("ERR_DAMON_TRACE_EMPTY")),
            // At the end of a row, or with its newline missing.
            _ if line.is_empty() || columns == 6 && !line.ends_with(b",") => assert_eq!(code, None),
            _ => assert_eq!(code, Some("ERR_DAMON_TRACE_TRUNCATED"), "cut to {len} bytes"),
        }
    }
}

#[test]
fn frames_after_each_other_are_one_recording() {
    let text = text();
    // The second cut is inside a row; an empty and a skippable frame are in the way.
    let skippable = b"\x53\x2a\x4d\x18\x04\x00\x00\x00skip".to_vec();
    let frames = [
        skippable.clone(),
        compress(&text[..HEADER.len()]),
        compress(&text[HEADER.len()..100_007]),
        compress(b""),
        skippable,
        compress(&text[100_007..]),
    ];
    let whole = read(text, ReaderOptions::default());
    let reading = read(frames.concat(), ReaderOptions::default());
    assert!(reading.failure.is_none(), "{:?}", reading.failure);
    assert!(reading.samples == whole.samples && reading.counts == whole.counts);

    let garbage = [&frames.concat()[..], b"not a frame"].concat();
    let reading = read(garbage, ReaderOptions::default());
    assert_eq!(reading.failure.unwrap().code(), "ERR_DAMON_TRACE_CORRUPT");
    assert_eq!(reading.samples, whole.samples);
}

#[test]
fn a_checksum_that_differs_is_an_error() {
    let mut file = compress(&text());
    *file.last_mut().unwrap() ^= 1;
    let failure = read(file, ReaderOptions::default()).failure.unwrap();
    assert_eq!(failure.code(), "ERR_DAMON_TRACE_CORRUPT");
    assert!(failure.to_string().contains("checksum"), "{failure}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_never_taken_for_the_recording(at: prop::sample::Index, bit in 0..8_u32) {
        let (text, file) = &*TEXT_AND_FILE;
        let mut file = file.clone();
        *at.get_mut(&mut file) ^= 1_u8 << bit;
        let reading = read(file, COUNT);
        // Bits without a meaning exist, in the frame's header.
        if reading.failure.is_none() {
            prop_assert_eq!(reading.samples, read(text.clone(), COUNT).samples);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, magic: bool, header: bool) {
        let mut file = if magic { b"\x28\xb5\x2f\xfd".to_vec() } else { Vec::new() };
        if header {
            file.extend_from_slice(HEADER.as_bytes());
        }
        file.extend_from_slice(&bytes);
        let reading = read(file, COUNT);
        prop_assert!(reading.samples.is_empty(), "{:?}", reading);
        prop_assert!(reading.failure.is_some() || reading.counts.malformed > 0, "{:?}", reading);
    }
}
