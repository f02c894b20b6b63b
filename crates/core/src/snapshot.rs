//! What one aggregation saw, as columns of equal length.

use crate::region::Target;

/// Whose regions a part of the columns describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotTarget {
    /// Process of a virtual target.
    pub tgid: Option<u32>,
    /// Its regions, after those of the targets before it.
    pub regions: usize,
}

/// All regions at one instant, target by target, each by ascending address. The columns keep their capacity, so that
/// taking a snapshot allocates nothing in steady state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When, in nanoseconds of the monitor's clock: the end of an aggregation.
    pub time_ns: u64,
    /// When the snapshot before was taken; `hits` covers the time since.
    pub since_ns: u64,
    /// The targets, in order.
    pub targets: Vec<SnapshotTarget>,
    /// First byte of each region.
    pub starts: Vec<u64>,
    /// One past the last byte of each region.
    pub ends: Vec<u64>,
    /// Access count of the aggregation that just ended.
    pub nr_accesses: Vec<u32>,
    /// Age in aggregations.
    pub ages: Vec<u32>,
    /// Access reports credited since the snapshot before.
    pub hits: Vec<u64>,
}

impl Snapshot {
    /// Regions.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// True before the first capture.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Copies the regions and takes their weight: it begins anew at zero.
    pub(crate) fn capture(&mut self, targets: &mut [Target], addr_unit: u64, time_ns: u64) {
        self.since_ns = self.time_ns;
        self.time_ns = time_ns;
        self.targets.clear();
        self.targets.extend(
            targets.iter().map(|target| SnapshotTarget {
                tgid: target.tgid(),
                regions: target.regions().len(),
            }),
        );
        self.starts.clear();
        self.ends.clear();
        self.nr_accesses.clear();
        self.ages.clear();
        self.hits.clear();
        for region in targets.iter_mut().flat_map(|target| target.regions_mut()) {
            self.starts.push(region.start.wrapping_mul(addr_unit));
            self.ends.push(region.end.wrapping_mul(addr_unit));
            self.nr_accesses.push(region.nr_accesses);
            self.ages.push(region.age);
            self.hits.push(std::mem::take(&mut region.hits));
        }
    }
}
