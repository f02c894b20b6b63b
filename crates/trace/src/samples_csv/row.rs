//! One row from text to numbers, twice: a fast reading that takes good rows only, and a careful
//! one that also says what is wrong with the others.
//!
//! The fast one answers "a good row" or "not known"; what it takes, the careful one takes with the
//! same values. On the bundled recording, uncompressed, a csv crate finds the fields of 18.6 million
//! rows/s and has 9.6 million once they are numbers; this reads 30.6 million (2.6 GHz Zen 4 core).
//! Not here: whether a row fits the rows before it.

use crate::error::Column;

/// Most bytes in a line, its end not counted. The longest good row has 102.
pub(super) const LINE_BYTES_MAX: usize = 256;

/// Largest access, 2 MiB: a huge page cleared or copied in one go.
pub(super) const SIZE_BYTES_MAX: u32 = 1 << 21;

/// `u64::MAX` has 20 digits; leading zeros beyond that are no number of this format.
const DECIMAL_DIGITS_MAX: usize = 20;

const POWERS_OF_TEN: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// What the six columns say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) time_ns: u64,
    /// Wider than any real CPU number: being beyond the lanes is not being malformed.
    pub(super) cpu: u64,
    pub(super) virtual_address: u64,
    pub(super) physical_address: u64,
    pub(super) size: u32,
    pub(super) write: bool,
}

// --- fast ---------------------------------------------------------------------------------------

/// Reads the row at `at` and finds where the next begins. `None`: let the careful reading decide.
///
/// Words are loaded 8 bytes at a time and may reach past the row's end, never past that of `bytes`.
#[inline(always)]
pub(super) fn read_fast(bytes: &[u8], at: usize) -> Option<(Row, usize)> {
    let (time_ns, at) = time(bytes, at)?;
    let (cpu, at) = short_decimal(bytes, comma(bytes, at)?)?;
    let (virtual_address, at) = address(bytes, comma(bytes, at)?)?;
    let (physical_address, at) = address(bytes, comma(bytes, at)?)?;
    let at = comma(bytes, at)?;
    let write = *bytes.get(at)? ^ b'0';
    let (size, at) = short_decimal(bytes, comma(bytes, at + 1)?)?;
    let next = match *bytes.get(at)? {
        b'\n' => at + 1,
        b'\r' if *bytes.get(at + 1)? == b'\n' => at + 2,
        _ => return None,
    };
    if write > 1 || size == 0 || size > u64::from(SIZE_BYTES_MAX) {
        return None;
    }
    let (write, size) = (write == 1, size as u32);
    Some((Row { time_ns, cpu, virtual_address, physical_address, size, write }, next))
}

#[inline(always)]
fn comma(bytes: &[u8], at: usize) -> Option<usize> {
    (*bytes.get(at)? == b',').then_some(at + 1)
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// 1 to 20 decimal digits: nanoseconds since boot have about 11, since 1970 they have 19.
#[inline(always)]
fn time(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (value, digits) = decimal_digits(word(bytes, at)?);
    if digits < 8 {
        return (digits > 0).then_some((value, at + digits));
    }
    let (low, digits) = decimal_digits(word(bytes, at + 8)?);
    let value = value * POWERS_OF_TEN[digits] + low;
    if digits < 8 {
        return Some((value, at + 8 + digits));
    }
    let (low, digits) = decimal_digits(word(bytes, at + 16)?);
    if digits > DECIMAL_DIGITS_MAX - 16 {
        return None;
    }
    let value = value.checked_mul(POWERS_OF_TEN[digits])?.checked_add(low)?;
    Some((value, at + 16 + digits))
}

/// 1 to 7 decimal digits.
#[inline(always)]
fn short_decimal(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (value, digits) = decimal_digits(word(bytes, at)?);
    (1..8).contains(&digits).then_some((value, at + digits))
}

/// `0x` and 1 to 16 hexadecimal digits.
#[inline(always)]
fn address(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    if bytes.get(at..)?.first_chunk()? != b"0x" {
        return None;
    }
    let (high, high_digits) = hex_digits(word(bytes, at + 2)?);
    let (low, low_digits) = hex_digits(word(bytes, at + 10)?);
    let digits = if high_digits == 8 { 8 + low_digits } else { high_digits };
    if digits == 0 {
        return None;
    }
    // As if there were 16 digits; then those that were not are shifted out.
    let value = ((high << 32) | low) >> (64 - 4 * digits);
    Some((value, at + 2 + digits))
}

/// The value and number of the decimal digits (0 to 8) that a word of text begins with.
#[inline(always)]
fn decimal_digits(word: u64) -> (u64, usize) {
    // Each byte minus '0', were there no borrow: digits become 0..=9 and nothing else does.
    let values = word ^ 0x3030_3030_3030_3030;
    // Sets a byte's top bit if it is not 0..=9. A carry leaves such a byte only, and upwards only,
    // so the first one is found right.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let digits = others.trailing_zeros() as usize / 8;
    // The first digit lies lowest. Moving the last one to the top fills up with leading zeros.
    let values = values.checked_shl(64 - 8 * digits as u32).unwrap_or(0);
    let pairs = (values.wrapping_mul((10 << 8) | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul((100 << 16) | 1) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul((10_000 << 32) | 1) >> 32, digits)
}

/// The number of hexadecimal digits (0 to 8) that a word of text begins with, and the value of all
/// 8 bytes as digits, the first highest. What bytes after the digits add is of no meaning.
#[inline(always)]
fn hex_digits(word: u64) -> (u64, usize) {
    const TOP: u64 = 0x8080_8080_8080_8080;
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // Bytes of 7 bits plus at most 7 bits: a sum reaches the top bit of its byte, never the next.
    let low = word & !TOP;
    let folded = low | all(0x20);
    let decimal = (low + all(0x80 - b'0')) & !(low + all(0x7f - b'9'));
    let letter = (folded + all(0x80 - b'a')) & !(folded + all(0x7f - b'f'));
    let others = !((decimal | letter) & !word) & TOP;
    let digits = others.trailing_zeros() as usize / 8;

    let nibbles = ((word & all(0x0f)) + 9 * ((word >> 6) & all(0x01))) & all(0x0f);
    let pairs = ((nibbles << 4) | (nibbles >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = ((pairs << 8) | (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (((fours << 16) | (fours >> 32)) & 0xffff_ffff, digits)
}

// --- careful ------------------------------------------------------------------------------------

/// Why a line is not a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault<'a> {
    /// The first column that fails; `None` when the line as a whole does.
    pub(super) column: Option<Column>,
    pub(super) expected: &'static str,
    pub(super) received: &'a [u8],
    /// More text could have made it a row.
    pub(super) incomplete: bool,
}

/// The text of one column, `None` if the line ends before it. The last column takes all that is
/// left, so that a seventh is its fault.
pub(super) fn field(line: &[u8], column: Column) -> Option<&[u8]> {
    line.splitn(Column::ALL.len(), |&byte| byte == b',').nth(column as usize)
}

/// Reads a line given without its end.
pub(super) fn read_careful(line: &[u8]) -> Result<Row, Fault<'_>> {
    const DECIMAL: &str = "a decimal number of 1 to 20 digits, below 2^64";
    const HEX: &str = "0x and 1 to 16 hexadecimal digits";
    const SIZE: &str = "a decimal number from 1 to 2097152, then the end of the line";
    if line.len() > LINE_BYTES_MAX {
        let expected = "a line of at most 256 bytes";
        return Err(Fault { column: None, expected, received: line, incomplete: false });
    }
    Ok(Row {
        time_ns: read_column(line, Column::Time, DECIMAL, decimal)?,
        cpu: read_column(line, Column::Cpu, DECIMAL, decimal)?,
        virtual_address: read_column(line, Column::VirtualAddress, HEX, hexadecimal)?,
        physical_address: read_column(line, Column::PhysicalAddress, HEX, hexadecimal)?,
        write: read_column(line, Column::Write, "0 or 1", flag)?,
        size: read_column(line, Column::Size, SIZE, size)?,
    })
}

fn read_column<'a, T>(
    line: &'a [u8],
    column: Column,
    expected: &'static str,
    read: fn(&[u8]) -> Option<T>,
) -> Result<T, Fault<'a>> {
    let text = field(line, column);
    text.and_then(read).ok_or_else(|| {
        let received = text.unwrap_or_default();
        let is_last = line.iter().filter(|&&byte| byte == b',').count() <= column as usize;
        let is_address = matches!(column, Column::VirtualAddress | Column::PhysicalAddress);
        let is_begun = received.is_empty() || is_address && matches!(received, b"0" | b"0x");
        Fault { column: Some(column), expected, received, incomplete: is_last && is_begun }
    })
}

fn decimal(text: &[u8]) -> Option<u64> {
    if !(1..=DECIMAL_DIGITS_MAX).contains(&text.len()) {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x")?;
    if !(1..=16).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some((value << 4) | u64::from(digit))
    })
}

fn flag(text: &[u8]) -> Option<bool> {
    match text {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

fn size(text: &[u8]) -> Option<u32> {
    let value = u32::try_from(decimal(text)?).ok()?;
    (1..=SIZE_BYTES_MAX).contains(&value).then_some(value)
}

const _: () = assert!(LINE_BYTES_MAX == 256 && SIZE_BYTES_MAX == 2_097_152, "named in messages");

#[cfg(test)]
mod tests {
    use super::*;

    /// Every length of number, every byte behind it, at every distance from the buffer's end.
    #[test]
    fn a_word_of_digits_ends_at_the_first_other_byte() {
        for digits in 0..=8_usize {
            for other in 0..=u8::MAX {
                let mut text = *b"98765432";
                text[digits..].fill(other);
                let word = u64::from_le_bytes(text);
                if digits == 8 || !other.is_ascii_digit() {
                    let value = text[..digits].iter().fold(0, |n, b| n * 10 + u64::from(b - b'0'));
                    assert_eq!(decimal_digits(word), (value, digits), "{text:?}");
                }
                if digits == 8 || !other.is_ascii_hexdigit() {
                    assert_eq!(hex_digits(word).1, digits, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn every_byte_is_told_from_a_hex_digit_and_has_its_value() {
        for byte in 0..=u8::MAX {
            let text = [b"0x", &[byte][..], b",,,,,,,,,,,,,,,,,,"].concat();
            let naive = char::from(byte).to_digit(16).map(|digit| (u64::from(digit), 3));
            assert_eq!(address(&text, 0), naive, "{byte:#x}");
            let text = [b"0x1234567", &[byte; 4][..], b",,,,,,,,,,,,,,,,,,"].concat();
            let naive = char::from(byte).to_digit(16).map(|digit| (0x1111 * u64::from(digit), 13));
            let naive = naive.map_or((0x123_4567, 9), |(low, end)| ((0x123_4567 << 16) | low, end));
            assert_eq!(address(&text, 0), Some(naive), "{byte:#x}");
        }
    }

    #[test]
    fn the_fast_reading_takes_the_longest_row_and_leaves_what_it_cannot_see_to_the_careful_one() {
        let line = b"18446744073709551615,9999999,0xffffFFFFffffFFFF,0x0123456789abcdef,1,2097152";
        let padded = [line, &b"\r\n                "[..]].concat();
        let (row, next) = read_fast(&padded, 0).unwrap();
        assert_eq!(Ok(row), read_careful(line));
        assert_eq!(next, line.len() + 2);
        assert_eq!((row.time_ns, row.virtual_address, row.size), (u64::MAX, u64::MAX, 1 << 21));
        for len in 0..=line.len() {
            assert_eq!(read_fast(&line[..len], 0), None, "no newline within {len} bytes");
        }
        assert_eq!(read_fast(&padded, usize::MAX), None);
    }

    #[test]
    fn a_fault_knows_whether_more_text_could_have_helped() {
        let line = b"44478420,0,0x6ff7,0x6ff7,1,4";
        for len in 0..line.len() {
            let fault = read_careful(&line[..len]).unwrap_err();
            assert!(fault.incomplete, "{fault:?} at {len}");
        }
        for line in ["44478420,0,0x6ff7,0x6ff7,1,0", "44478420,0,0x,0x6ff7,1,4", "1,2,3"] {
            let fault = read_careful(line.as_bytes()).unwrap_err();
            assert!(!fault.incomplete, "{fault:?}");
        }
    }
}
