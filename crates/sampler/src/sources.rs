//! Where the data of samples came from, as the hardware tells. `samplers.md` 1.4, 1.5.

use damon_machine::{Access, Level};

/// What a sample says of its data's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The op accessed no data.
    None,
    /// The first-level cache.
    L1,
    /// The second level.
    L2,
    /// The third level, of a load.
    L3,
    /// Memory of a node, of a load.
    Memory(u32),
    /// A store beyond the second level: the hardware tells the source of loads only.
    Store,
}

impl Source {
    pub(crate) fn of(access: Option<&Access>, level: Option<Level>) -> Self {
        match (access, level) {
            (Some(_), Some(Level::L1)) => Self::L1,
            (Some(_), Some(Level::L2)) => Self::L2,
            (Some(access), Some(_)) if access.write => Self::Store,
            (Some(_), Some(Level::L3)) => Self::L3,
            (Some(_), Some(Level::Memory { nid })) => Self::Memory(nid),
            _ => Self::None,
        }
    }
}

/// Samples by source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// [`Source::None`].
    pub none: u64,
    /// [`Source::L1`].
    pub l1: u64,
    /// [`Source::L2`].
    pub l2: u64,
    /// [`Source::L3`].
    pub l3: u64,
    /// [`Source::Memory`], by node.
    pub memory: Vec<u64>,
    /// [`Source::Store`].
    pub store: u64,
}

impl SourceCounts {
    pub(crate) fn count(&mut self, source: Source) {
        match source {
            Source::None => self.none += 1,
            Source::L1 => self.l1 += 1,
            Source::L2 => self.l2 += 1,
            Source::L3 => self.l3 += 1,
            Source::Memory(nid) => *self.of_node(nid as usize) += 1,
            Source::Store => self.store += 1,
        }
    }

    fn of_node(&mut self, nid: usize) -> &mut u64 {
        if self.memory.len() <= nid {
            self.memory.resize(nid + 1, 0);
        }
        &mut self.memory[nid]
    }

    /// Adds and empties `more`.
    pub(crate) fn take(&mut self, more: &mut Self) {
        for (nid, count) in more.memory.iter_mut().enumerate() {
            *self.of_node(nid) += std::mem::take(count);
        }
        let Self { none, l1, l2, l3, store, memory: _ } = more;
        self.none += std::mem::take(none);
        self.l1 += std::mem::take(l1);
        self.l2 += std::mem::take(l2);
        self.l3 += std::mem::take(l3);
        self.store += std::mem::take(store);
    }
}
