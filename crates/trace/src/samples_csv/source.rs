//! The bytes of a recording, decompressed if need be.
//!
//! zstd is told by its magic number, not by a file name. Its streaming decoder is driven directly:
//! it says whether a frame is still open, and so tells a cut file from a finished one.
//! It runs on the caller's thread. A second one would hide its time, not save any, and would have
//! to be stopped in every way a reader can end.
//! Not here: lines.

use std::io::{self, Cursor, ErrorKind, Read};

use zstd::stream::raw::{Decoder, Operation};

/// RFC 8878, 3.1.1: the magic number of a frame, stored little-endian.
const FRAME_MAGIC: u32 = 0xFD2F_B528;

/// RFC 8878, 3.1.2: a skippable frame has this magic number with any low 4 bits. Some parallel
/// compressors put one first.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;

/// zstd's recommendation (`ZSTD_DStreamInSize`): one block of 128 KiB and its header.
const INPUT_BYTES: usize = (128 << 10) + 3;

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum SourceError {
    /// The underlying reader failed.
    Read(io::Error),
    /// The input ended inside a zstd frame.
    Truncated,
    /// zstd refused the input.
    Corrupt(io::Error),
}

/// A stream of plain bytes, whatever the file holds.
pub(super) struct Source {
    input: Input,
    /// `None` for an uncompressed recording.
    frames: Option<Frames>,
}

impl Source {
    /// Reads the first bytes of `reader` to find out whether they are compressed.
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Result<Self, SourceError> {
        let mut input = Input { reader, bytes_read: 0 };
        let mut head = [0; 4];
        let mut head_len = 0;
        while head_len < head.len() {
            match input.read(&mut head[head_len..])? {
                0 => break,
                count => head_len += count,
            }
        }
        let frames = match is_compressed(&head[..head_len]) {
            true => Some(Frames::new().map_err(SourceError::Read)?),
            false => None,
        };
        // Put back what was read: nothing below needs to know of the peek.
        let rest = Cursor::new(head).take(head_len as u64).chain(input.reader);
        Ok(Self { input: Input { reader: Box::new(rest), bytes_read: 0 }, frames })
    }

    /// Fills the front of `output`, which is not empty. 0 is the end, reached in good order.
    pub(super) fn fill(&mut self, output: &mut [u8]) -> Result<usize, SourceError> {
        match &mut self.frames {
            Some(frames) => frames.fill(&mut self.input, output),
            None => self.input.read(output),
        }
    }

    /// Bytes taken from the underlying reader so far: compressed ones, if it is compressed.
    pub(super) fn bytes_read(&self) -> u64 {
        self.input.bytes_read
    }
}

/// A file that is a mere piece of the magic number counts: it is a cut zstd file, not a bad header.
fn is_compressed(head: &[u8]) -> bool {
    match <[u8; 4]>::try_from(head) {
        Ok(magic) => {
            let magic = u32::from_le_bytes(magic);
            magic == FRAME_MAGIC || magic & !0xf == SKIPPABLE_MAGIC
        }
        Err(_) => !head.is_empty() && FRAME_MAGIC.to_le_bytes().starts_with(head),
    }
}

struct Input {
    reader: Box<dyn Read + Send>,
    bytes_read: u64,
}

impl Input {
    fn read(&mut self, output: &mut [u8]) -> Result<usize, SourceError> {
        loop {
            match self.reader.read(output) {
                Ok(count) if count <= output.len() => {
                    self.bytes_read += count as u64;
                    return Ok(count);
                }
                Ok(_) => {
                    let lie = "the source reports more bytes than it was asked for";
                    return Err(SourceError::Read(io::Error::other(lie)));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(SourceError::Read(error)),
            }
        }
    }
}

/// A sequence of zstd frames, as `cat a.zst b.zst` makes it, decoded one after the other.
struct Frames {
    decoder: Decoder<'static>,
    /// Compressed input not yet decoded: `buffer[start..end]`.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Some of the frame is still to be read or to be handed out.
    open: bool,
}

impl Frames {
    fn new() -> io::Result<Self> {
        let buffer = vec![0; INPUT_BYTES].into_boxed_slice();
        Ok(Self { decoder: Decoder::new()?, buffer, start: 0, end: 0, open: false })
    }

    fn fill(&mut self, input: &mut Input, output: &mut [u8]) -> Result<usize, SourceError> {
        loop {
            let mut ended = false;
            if self.start == self.end {
                self.end = input.read(&mut self.buffer)?;
                self.start = 0;
                ended = self.end == 0;
            }
            // A decoder given nothing would begin, and leave open, a frame that does not exist.
            if ended && !self.open {
                return Ok(0);
            }
            let status = self
                .decoder
                .run_on_buffers(&self.buffer[self.start..self.end], output)
                .map_err(SourceError::Corrupt)?;
            self.start += status.bytes_read;
            self.open = status.remaining != 0;
            if status.bytes_written != 0 {
                return Ok(status.bytes_written);
            }
            if ended && self.open {
                return Err(SourceError::Truncated);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_told_by_the_first_bytes() {
        let magic = FRAME_MAGIC.to_le_bytes();
        for len in 1..=4 {
            assert!(is_compressed(&magic[..len]), "{len} bytes of the magic number");
        }
        assert!(is_compressed(b"\x50\x2a\x4d\x18") && is_compressed(b"\x5f\x2a\x4d\x18"));
        for plain in [&b""[..], b"t", b"time", b"\x60\x2a\x4d\x18", b"\x28\xb5\x2f\xfc"] {
            assert!(!is_compressed(plain), "{plain:?}");
        }
    }

    /// Answers `Interrupted` before every byte, then lies about its length.
    struct Nuisance(u32);

    impl Read for Nuisance {
        fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                count if count % 2 == 1 => Err(ErrorKind::Interrupted.into()),
                ..20 => {
                    output[0] = b'x';
                    Ok(1)
                }
                _ => Ok(usize::MAX),
            }
        }
    }

    #[test]
    fn an_interrupted_read_is_retried_and_a_lying_one_is_an_error() {
        let mut source = Source::new(Box::new(Nuisance(0))).unwrap();
        let mut output = [0; 64];
        let mut total = 0;
        let error = loop {
            match source.fill(&mut output) {
                Ok(count) => total += count,
                Err(error) => break error,
            }
        };
        assert_eq!((total, source.bytes_read()), (9, 9));
        assert!(matches!(error, SourceError::Read(_)), "{error:?}");
    }
}
