//! The short form: one process, one hot set.

use super::{Area, Interleave, Kind, Line, PageSize, Pattern, Phase, Policy, Process, Workload};
use crate::PAGE_SZ;

/// A process with `pages` pages of which the first `hot_pages` are hot.
///
/// The RFC's "32 GB hot set" is `pages == hot_pages`: every page is touched alike, as multichase's
/// `multiload` does.
#[derive(Clone, Debug, PartialEq)]
pub struct HotSet {
    /// Pages of 4 KiB.
    pub pages: u32,
    /// How many of them are hot, from the first on. At least 1.
    pub hot_pages: u32,
    /// Share of accesses that go to the hot pages, 0..=1.
    pub hot_share: f64,
    /// Share of accesses that are stores, 0..=1.
    pub store_share: f64,
    /// Its process id.
    pub tgid: u32,
}

impl HotSet {
    /// The workload in full: on all CPUs, for ever.
    pub fn placed(&self, interleave: Interleave) -> Workload {
        let pattern = Pattern::HotSet {
            hot_bytes: u64::from(self.hot_pages) * PAGE_SZ,
            hot_share: self.hot_share,
            offset_bytes: 0,
            drift_bytes_hz: 0,
        };
        let line = Line { store_share: self.store_share, ..Line::new(0, pattern) };
        Workload {
            processes: vec![Process {
                areas: vec![Area {
                    name: "memory".into(),
                    bytes: u64::from(self.pages) * PAGE_SZ,
                    kind: Kind::Anon,
                    page_size: PageSize::Base,
                    policy: Policy::Interleave(interleave),
                }],
                phases: vec![Phase { duration_ns: u64::MAX, lines: vec![line] }],
                ..Process::new(self.tgid)
            }],
        }
    }
}
