//! What one aggregation saw, as columns of equal length.

use std::ptr;

use crate::region::{AHEAD_SZ, Target, copy_column, copy_counts, grow, prefetch};

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

    /// Copies the first bytes into an array that is as long at least, as do the others.
    ///
    /// # Panics
    ///
    /// (All of them) when it is shorter.
    pub fn copy_starts(&self, into: &mut [u64]) {
        copy_column(&self.starts, &mut into[..self.len()]);
    }

    /// Copies the ends.
    pub fn copy_ends(&self, into: &mut [u64]) {
        copy_column(&self.ends, &mut into[..self.len()]);
    }

    /// Copies the access counts.
    pub fn copy_nr_accesses(&self, into: &mut [u32]) {
        copy_column(&self.nr_accesses, &mut into[..self.len()]);
    }

    /// Copies the ages.
    pub fn copy_ages(&self, into: &mut [u32]) {
        copy_column(&self.ages, &mut into[..self.len()]);
    }

    /// Copies the weights, each as the nearest floating-point number.
    pub fn copy_hits(&self, into: &mut [f64]) {
        copy_counts(&self.hits, &mut into[..self.len()]);
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
        let regions = self.targets.iter().map(|target| target.regions).sum();
        anew(&mut self.starts, regions);
        anew(&mut self.ends, regions);
        anew(&mut self.nr_accesses, regions);
        anew(&mut self.ages, regions);
        anew(&mut self.hits, regions);
        for region in targets.iter_mut().flat_map(|target| target.regions_mut()) {
            prefetch(ptr::from_mut(region).wrapping_byte_add(AHEAD_SZ));
            self.starts.push(region.start.wrapping_mul(addr_unit));
            self.ends.push(region.end.wrapping_mul(addr_unit));
            self.nr_accesses.push(region.nr_accesses);
            self.ages.push(region.age);
            self.hits.push(std::mem::take(&mut region.hits));
        }
    }
}

/// Empty, with room for so many.
fn anew<T: Copy>(column: &mut Vec<T>, len: usize) {
    column.clear();
    grow(column, len);
}
