//! Which pages are touched, and where they lie at first.

mod hot_set;

pub use hot_set::HotSet;

/// First placement of pages, one after the other, by weight: `MPOL_WEIGHTED_INTERLEAVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interleave {
    /// (node, pages in a row), in order.
    pub weights: Vec<(u32, u32)>,
}

impl Interleave {
    /// One page on each of the nodes `0..nodes` in turn.
    pub fn even(nodes: u32) -> Self {
        Self { weights: (0..nodes).map(|nid| (nid, 1)).collect() }
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.weights.iter().map(|&(nid, _)| nid)
    }

    /// Pages of one turn.
    pub(crate) fn turn(&self) -> u64 {
        self.weights.iter().map(|&(_, weight)| u64::from(weight)).sum()
    }

    /// The nodes of one turn.
    pub(crate) fn order(&self) -> Vec<u32> {
        self.weights
            .iter()
            .flat_map(|&(nid, weight)| std::iter::repeat_n(nid, weight as usize))
            .collect()
    }
}
