//! Accessed bits: which pages look accessed since somebody last made them old.
//!
//! A page walk sets the bit, an access that finds its translation in the TLB does not, and making a
//! page old does not flush: what stays in a TLB is hot and looks old (`samplers.md` 5.1). Walks of a
//! page come at random, `rate` a second over all CPUs, so the bit is set after a time `t` with
//! probability `1 - e^(-rate t)`. Pages that nobody maps have no such bit: every access marks them.

use crate::memory::Folio;
use crate::workload::Kind;
use crate::workload::permutation::mix;
use crate::{Machine, TWO_TO_64};

/// Pages of a huge one that are looked at for the rate of the whole: every 64th.
const HUGE_STRIDE: u32 = 64;

impl Machine {
    /// Accesses to a page per second, over all CPUs.
    pub(crate) fn access_hz(&self, page: u32) -> f64 {
        self.rate_of(page, |_, _| 1.0)
    }

    /// Walks per second that a visit to a page causes.
    fn walk_hz(&self, page: u32, size: usize) -> f64 {
        self.rate_of(page, |class, accesses_per_visit| {
            self.performance.model_of(class).walk[size] / accesses_per_visit
        })
    }

    /// Sums what `share` makes of the accesses to a page, over the running lines about it.
    fn rate_of(&self, page: u32, share: impl Fn(u16, f64) -> f64) -> f64 {
        let number = self.memory.area_of(page);
        let area = &self.memory.areas[number];
        let process = usize::from(area.process);
        let heat = &self.memory.heat;
        let running = self.processes[process].lines();
        let lines = heat.lines_of_area(number).iter().filter(|line| running.contains(line));
        let accesses_hz = self.performance.ops_hz(process) * self.processes[process].memory_share;
        lines
            .map(|&line| {
                let line = heat.line(line);
                let class = line.class_of(page - area.first_page);
                let alike = line.shape.classes()[usize::from(class - line.first_class)];
                let visit = line.locality.reuse * line.locality.lines_per_page;
                let per_page = line.share * alike.share / f64::from(alike.pages);
                accesses_hz * per_page * share(class, visit)
            })
            .sum()
    }

    /// How often a second something sets a folio's accessed bit.
    fn marks_hz(&self, folio: Folio) -> f64 {
        if self.memory.areas[self.memory.area_of(folio.page)].kind == Kind::PageCache {
            return self.access_hz(folio.page);
        }
        if folio.pages == 1 {
            return self.walk_hz(folio.page, 0);
        }
        let pages = (folio.page..folio.page + folio.pages).step_by(HUGE_STRIDE as usize);
        pages.map(|page| self.walk_hz(page, 1)).sum::<f64>() * f64::from(HUGE_STRIDE)
    }

    /// Whether a folio looks accessed. One that was never made old does.
    ///
    /// The same question about the same moment has the same answer, and what is young stays so:
    /// chance is a function of the folio, of when it was made old, and of the seed.
    pub(crate) fn is_young(&self, folio: Folio) -> bool {
        let Some(since_ns) = self.memory.made_old(folio) else { return true };
        let elapsed_s = self.now_ns.saturating_sub(since_ns) as f64 / 1e9;
        let chance = mix(mix(since_ns ^ self.seed) ^ u64::from(folio.page)) as f64 / TWO_TO_64;
        chance < -(-self.marks_hz(folio) * elapsed_s).exp_m1()
    }

    /// The folio in a frame.
    pub(crate) fn folio_at(&self, address: u64) -> Option<Folio> {
        let frame = self.memory.frames.within(address, address.saturating_add(1));
        let page = self.memory.frames.page_at(frame.start)?;
        Some(self.memory.folio_of(page))
    }
}
