//! Pages on their way: whoever touches one waits until it is there. `samplers.md` 7.5.
//!
//! The kernel takes the pages of a batch out of the page tables one after the other, then moves them
//! and puts them back in the same order, so each is away for half of the time that the batch takes; a
//! huge page is a batch of its own, and away for all of it. A thread goes on until it touches one of
//! them, by chance and as often as they are touched, and waits for what is left of that time. So what is
//! hot costs more to move than what is cold, up to half of the time of all threads.
//!
//! Not every page that moves is asked how often it is touched: some of those that move together are.

use crate::memory::Folio;
use crate::{HUGE_FRAMES, Machine};

/// Pages that the kernel moves together at the most.
const BATCH_PAGES: f64 = 512.0;
/// Pages that are asked of those that set out together.
const LOOKS: usize = 16;
/// Pages of a huge one that are asked for how often the whole is touched: every 64th.
const HUGE_STRIDE: u32 = 64;

/// The part of a batch that is a process's.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    pages: f64,
    /// Nanoseconds that all of them take.
    ns: f64,
    /// Accesses to any of them per second.
    hz: f64,
}

/// Who waits for what moves.
#[derive(Debug)]
pub(crate) struct Waits {
    /// By process.
    batches: Vec<Batch>,
    is_any: bool,
    /// By process: CPU nanoseconds of waiting in the time that is still to pass.
    pub(crate) left_ns: Vec<f64>,
}

impl Waits {
    pub(crate) fn new(processes: usize) -> Self {
        let (batches, left_ns) = (vec![Batch::default(); processes], vec![0.0; processes]);
        Self { batches, is_any: false, left_ns }
    }
}

impl Machine {
    /// Pages move, each in so many nanoseconds: a batch when there are enough.
    pub(crate) fn set_out(&mut self, pages: &[u32], page_ns: u64) {
        for alike in pages.chunks(pages.len().div_ceil(LOOKS).max(1)) {
            let (process, page_hz) = self.touched(alike[0]);
            let waits = &mut self.migration.waits;
            waits.is_any = true;
            let batch = &mut waits.batches[process];
            batch.pages += alike.len() as f64;
            batch.ns += (alike.len() as u64 * page_ns) as f64;
            batch.hz += alike.len() as f64 * page_hz;
            if batch.pages >= BATCH_PAGES {
                self.end_batch_of(process);
            }
        }
    }

    /// A huge page moves.
    pub(crate) fn set_out_huge(&mut self, folio: Folio, elapsed_ns: u64) {
        let (process, _) = self.touched(folio.page);
        let some = (folio.page..folio.page + folio.pages).step_by(HUGE_STRIDE as usize);
        debug_assert_eq!(folio.pages, HUGE_FRAMES);
        let hz = some.map(|page| self.access_hz(page)).sum::<f64>() * f64::from(HUGE_STRIDE);
        self.wait_for(process, 1.0, hz, elapsed_ns as f64);
    }

    /// What has moved since the last batch was one, however few.
    pub fn end_batch(&mut self) {
        if std::mem::take(&mut self.migration.waits.is_any) {
            (0..self.processes.len()).for_each(|process| self.end_batch_of(process));
        }
    }

    fn end_batch_of(&mut self, process: usize) {
        let Batch { pages, ns, hz } = std::mem::take(&mut self.migration.waits.batches[process]);
        if pages > 0.0 {
            let batches = (pages / BATCH_PAGES).max(1.0);
            self.wait_for(process, batches, hz / batches, ns / batches / 2.0);
        }
    }

    /// So many times something was away for so long that was touched so often.
    fn wait_for(&mut self, process: usize, times: f64, hz: f64, away_ns: f64) {
        let threads = f64::from(self.processes[process].online);
        let waited_ns = waited_ns(hz / threads, away_ns) * threads * times;
        self.migration.waits.left_ns[process] += waited_ns;
    }

    /// The process of a page, and accesses to it per second.
    fn touched(&self, page: u32) -> (usize, f64) {
        let area = &self.memory.areas[self.memory.area_of(page)];
        (usize::from(area.process), self.access_hz(page))
    }
}

/// How long a thread waits on average that touches what is away `hz` times a second while it runs.
fn waited_ns(hz: f64, away_ns: f64) -> f64 {
    let touches = hz * away_ns / 1e9;
    if touches < 1e-6 {
        return away_ns * touches / 2.0;
    }
    away_ns * (1.0 + (-touches).exp_m1() / touches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_seldom_is_seldom_waited_for_and_what_is_touched_always_all_the_time() {
        assert_eq!(waited_ns(0.0, 1_000.0), 0.0);
        // One touch in 10,000 times, half way on average.
        assert!((waited_ns(100.0, 1_000.0) / 0.05 - 1.0).abs() < 1e-3);
        // From one way to calculate it to the other there is no jump.
        assert!((waited_ns(1_001.0, 1_000.0) / waited_ns(999.0, 1_000.0) - 1.002).abs() < 1e-3);
        // 1000 touches in the time: it runs for a thousandth of it.
        assert!((waited_ns(1e9, 1_000.0) - 999.0).abs() < 1e-6);
    }
}
