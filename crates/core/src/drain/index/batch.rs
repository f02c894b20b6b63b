//! Keys on their way from the filter to the tree.

use super::tree::NODE;

/// Keys or ranks of a few vectors.
pub(super) type Group<T> = [[T; NODE]; GROUP];
/// Keys ranked in one go, so that their misses overlap; few enough that keys and ranks stay in the
/// first-level cache.
pub(super) const CAPACITY: usize = 512;
/// Vectors of keys that kernels search in step.
pub(super) const GROUP: usize = 4;
/// Room for a vector more, so that the filter may store one before it knows how much of it counts,
/// and for the rest of its group.
const ROOM: usize = CAPACITY + GROUP * NODE;

/// Keys not yet ranked.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Batch {
    /// Behind the held ones: keys held earlier, or 0.
    keys: [i32; ROOM],
    ranks: [u32; ROOM],
    held: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self { keys: [0; ROOM], ranks: [0; ROOM], held: 0 }
    }
}

impl Batch {
    pub(super) fn is_full(&self) -> bool {
        self.held > CAPACITY
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn clear(&mut self) {
        self.held = 0;
    }

    /// Where the next vector of keys goes; none if the batch is full.
    #[inline]
    pub(super) fn room(&mut self) -> Option<&mut [i32; NODE]> {
        self.keys[..CAPACITY + NODE].get_mut(self.held..)?.first_chunk_mut()
    }

    /// Where the next vectors of keys go, one after the other; none if the batch is full.
    #[inline]
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "of the vector kernels"))]
    pub(super) fn rooms(&mut self) -> &mut [[i32; NODE]] {
        let rooms = self.keys[..CAPACITY + NODE].get_mut(self.held..).unwrap_or_default();
        rooms.as_chunks_mut().0
    }

    /// Holds so many of the keys stored to the [room](Self::room), or to the [rooms](Self::rooms).
    #[inline]
    pub(super) fn hold(&mut self, keys: usize) {
        debug_assert!(self.held + keys <= CAPACITY + NODE);
        self.held += keys;
    }

    pub(super) fn keys(&self) -> &[i32] {
        &self.keys[..self.held]
    }

    /// The held keys by groups of vectors, the last one filled up with any keys, and a place for
    /// the rank of each.
    pub(super) fn groups(&mut self) -> (&[Group<i32>], &mut [Group<u32>]) {
        let groups = self.held.div_ceil(GROUP * NODE);
        let keys = self.keys.as_chunks().0.as_chunks().0;
        let ranks = self.ranks.as_chunks_mut().0.as_chunks_mut().0;
        (&keys[..groups], &mut ranks[..groups])
    }

    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranks[..self.held]
    }
}
