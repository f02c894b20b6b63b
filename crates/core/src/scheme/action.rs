//! The actions schemes can ask for.

use crate::region::Score;

/// What is done with a region's memory, by the kernel's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but counting.
    Stat,
    /// Move the pages to a node, hottest regions first.
    MigrateHot {
        /// The node.
        target_nid: u32,
    },
    /// Move the pages to a node, coldest regions first.
    MigrateCold {
        /// The node.
        target_nid: u32,
    },
}

impl Action {
    /// The action's name in the `action` file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::MigrateHot { .. } => "migrate_hot",
            Self::MigrateCold { .. } => "migrate_cold",
        }
    }

    /// Which regions come first under a quota. `damon-core.md` 10.4.
    pub(crate) fn score(self) -> Score {
        match self {
            Self::Stat => Score::None,
            Self::MigrateHot { .. } => Score::Hot,
            Self::MigrateCold { .. } => Score::Cold,
        }
    }

    /// Any action but `stat` starts a new life for the region, whatever it achieved.
    pub(crate) fn resets_age(self) -> bool {
        self != Self::Stat
    }
}
