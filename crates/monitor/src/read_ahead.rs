//! A recording read on a thread of its own, a few batches ahead of the monitor.
//!
//! Decompression and parsing cost about as much as everything after them, so a second core nearly
//! halves a replay. What is handed on, and in which order, does not depend on the threads' pace.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use damon_trace::{RowCounts, Sample, SamplesReader, TraceError};

/// Rows read at a time.
const BATCH: usize = 4096;
/// Batches read and not yet taken, 2 MiB of them: enough to go on reading while a snapshot is
/// looked at.
const AHEAD: usize = 16;

/// What the reader has to say at one moment.
struct Batch {
    samples: Vec<Sample>,
    counts: RowCounts,
    bytes_read: u64,
    /// Why there is no further batch, if there is none.
    end: Option<Result<(), TraceError>>,
}

/// The reading end. Dropping it ends the thread.
pub(crate) struct ReadAhead {
    /// `None` only while dropping.
    batches: Option<Receiver<Batch>>,
    /// Empty buffers on their way back.
    empties: Sender<Vec<Sample>>,
    thread: Option<JoinHandle<()>>,
    current: Vec<Sample>,
    taken: usize,
    counts: RowCounts,
    bytes_read: u64,
    bytes_total: Option<u64>,
    end: Option<Result<(), TraceError>>,
}

impl ReadAhead {
    /// Starts reading.
    pub(crate) fn new(reader: SamplesReader) -> io::Result<Self> {
        let (full, batches) = sync_channel(AHEAD);
        let (empties, returned) = channel();
        let (counts, bytes_total) = (reader.counts(), reader.bytes_total());
        let thread = Builder::new()
            .name("damon-trace".into())
            .spawn(move || read(reader, &full, &returned))?;
        Ok(Self {
            batches: Some(batches),
            empties,
            thread: Some(thread),
            current: Vec::new(),
            taken: 0,
            counts,
            bytes_read: 0,
            bytes_total,
            end: None,
        })
    }

    /// The next sample, which stays the next until [`take`](Self::take); `None` at the end.
    ///
    /// # Errors
    ///
    /// What ended the reader, after all samples before it, and ever after.
    pub(crate) fn peek(&mut self) -> Result<Option<Sample>, TraceError> {
        while self.taken == self.current.len() {
            if let Some(end) = &self.end {
                return end.clone().map(|()| None);
            }
            self.next_batch();
        }
        Ok(Some(self.current[self.taken]))
    }

    /// Goes on to the sample after the one peeked at.
    pub(crate) fn take(&mut self) {
        self.taken += 1;
    }

    fn next_batch(&mut self) {
        let empty = std::mem::take(&mut self.current);
        self.taken = 0;
        // The thread may have ended and need no buffers any more.
        let _ = self.empties.send(empty);
        match self.batches.as_ref().map(Receiver::recv) {
            Some(Ok(batch)) => {
                self.current = batch.samples;
                self.counts = batch.counts;
                self.bytes_read = batch.bytes_read;
                self.end = batch.end;
            }
            // The thread always says why it ends, unless it panicked.
            _ => {
                let source = io::Error::other("the reading thread ended without a word");
                self.end = Some(Err(TraceError::Read {
                    rows_read: Some(self.counts.read),
                    source: source.into(),
                }));
            }
        }
    }

    /// Rows by verdict, up to the end of the batch in hand.
    pub(crate) fn counts(&self) -> RowCounts {
        self.counts
    }

    /// Bytes of the file consumed, up to the end of the batch in hand.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Bytes of the file, if known.
    pub(crate) fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // First the channel, so that a thread waiting to send finds nobody to wait for.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported by `next_batch`.
            let _ = thread.join();
        }
    }
}

fn read(mut reader: SamplesReader, full: &SyncSender<Batch>, returned: &Receiver<Vec<Sample>>) {
    loop {
        let mut samples = returned.try_recv().unwrap_or_default();
        // Empty first: a full one would be given room for another batch, and the reader fills all
        // the room there is.
        samples.clear();
        samples.reserve_exact(BATCH);
        let end = match reader.read_batch(&mut samples) {
            Ok(0) => Some(Ok(())),
            Ok(_) => None,
            Err(error) => {
                samples.clear();
                Some(Err(error))
            }
        };
        let ended = end.is_some();
        let batch =
            Batch { samples, counts: reader.counts(), bytes_read: reader.bytes_read(), end };
        if full.send(batch).is_err() || ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};
    use std::sync::Arc;

    use damon_trace::ReaderOptions;

    /// A recording in memory; as long as it is being read, `alive` has a second owner.
    struct Watched {
        text: Cursor<Vec<u8>>,
        _alive: Arc<()>,
    }

    impl Read for Watched {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.text.read(buffer)
        }
    }

    fn rows(rows: u64, tail: &str, alive: &Arc<()>) -> ReadAhead {
        let mut text = String::from("time_ns,cpu,vaddr,paddr,is_write,size\n");
        for row in 0..rows {
            text += &format!("{row},0,0x0,{:#x},0,8\n", row * 64);
        }
        let text = Cursor::new((text + tail).into_bytes());
        let source = Box::new(Watched { text, _alive: Arc::clone(alive) });
        let reader = SamplesReader::from_reader(source, ReaderOptions::default()).unwrap();
        ReadAhead::new(reader).unwrap()
    }

    #[test]
    fn rows_come_in_order_and_batches_never_grow() {
        let total = 40 * BATCH as u64 + 7;
        let mut ahead = rows(total, "", &Arc::default());
        for row in 0..total {
            let sample = ahead.peek().unwrap().unwrap();
            assert_eq!((sample.time_ns, sample.physical_address), (row, row * 64));
            // A buffer that comes back is used again as it is.
            assert!(ahead.current.len() <= BATCH && ahead.current.capacity() <= BATCH);
            // Up to the end of the batch in hand, however far the thread is.
            let expected = (row / BATCH as u64 + 1) * BATCH as u64;
            assert_eq!(ahead.counts().read, expected.min(total));
            ahead.take();
        }
        for _ in 0..3 {
            assert!(ahead.peek().unwrap().is_none());
        }
    }

    #[test]
    fn an_error_comes_after_all_rows_before_it_and_stays() {
        let total = 2 * BATCH as u64 + 1;
        let mut ahead = rows(total, "this is no row\n", &Arc::default());
        for _ in 0..total {
            assert!(ahead.peek().unwrap().is_some());
            ahead.take();
        }
        for _ in 0..3 {
            assert_eq!(ahead.peek().unwrap_err().code(), "ERR_DAMON_TRACE_ROW");
        }
    }

    #[test]
    fn dropping_it_ends_the_thread_wherever_that_is() {
        // Finished; waiting to hand on the fifth batch; somewhere.
        for (total, taken) in [(10, 11), (100 * BATCH, 1), (100 * BATCH, 20 * BATCH), (10, 0)] {
            let alive = Arc::new(());
            let mut ahead = rows(total as u64, "", &alive);
            for _ in 0..taken {
                if ahead.peek().unwrap().is_some() {
                    ahead.take();
                }
            }
            drop(ahead);
            // The thread owned the file.
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }
}
