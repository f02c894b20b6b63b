//! The actions schemes can ask for.

use crate::ops::OpsId;
use crate::region::Score;

/// What is done with a region's memory, by the kernel's names. `enum damos_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Expect use soon: read in what was paged out. `MADV_WILLNEED`.
    WillNeed,
    /// Expect no use soon: make it a candidate for reclaim. `MADV_COLD`.
    Cold,
    /// Reclaim: page out.
    PageOut,
    /// Use huge pages. `MADV_HUGEPAGE`.
    HugePage,
    /// Use no huge pages. `MADV_NOHUGEPAGE`.
    NoHugePage,
    /// Make huge pages of small ones, now. `MADV_COLLAPSE`.
    Collapse,
    /// Move to the active list.
    LruPrio,
    /// Move to the inactive list.
    LruDeprio,
    /// Move the pages to a node, hottest regions first.
    MigrateHot,
    /// Move the pages to a node, coldest regions first.
    MigrateCold,
    /// Nothing but counting.
    Stat,
}

impl Action {
    /// All actions, in the kernel's order.
    pub const ALL: [Self; 11] = [
        Self::WillNeed,
        Self::Cold,
        Self::PageOut,
        Self::HugePage,
        Self::NoHugePage,
        Self::Collapse,
        Self::LruPrio,
        Self::LruDeprio,
        Self::MigrateHot,
        Self::MigrateCold,
        Self::Stat,
    ];

    /// The action's name in the `action` file.
    pub fn name(self) -> &'static str {
        match self {
            Self::WillNeed => "willneed",
            Self::Cold => "cold",
            Self::PageOut => "pageout",
            Self::HugePage => "hugepage",
            Self::NoHugePage => "nohugepage",
            Self::Collapse => "collapse",
            Self::LruPrio => "lru_prio",
            Self::LruDeprio => "lru_deprio",
            Self::MigrateHot => "migrate_hot",
            Self::MigrateCold => "migrate_cold",
            Self::Stat => "stat",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether the sets of that kind carry it out; one they do not is tried, charged and applied to
    /// nothing. `damon-core.md` 5.11.
    pub fn is_known_to(self, ops: OpsId) -> bool {
        match self {
            Self::PageOut | Self::MigrateHot | Self::MigrateCold | Self::Stat => true,
            Self::LruPrio | Self::LruDeprio => ops.is_physical(),
            Self::WillNeed | Self::Cold | Self::HugePage | Self::NoHugePage | Self::Collapse => {
                !ops.is_physical()
            }
        }
    }

    /// Whether pages go to another node.
    pub fn migrates(self) -> bool {
        matches!(self, Self::MigrateHot | Self::MigrateCold)
    }

    /// Which regions come first under a quota. `damon-core.md` 10.4 and 11.
    pub(crate) fn score(self, ops: OpsId) -> Score {
        match self {
            Self::PageOut | Self::MigrateCold => Score::Cold,
            Self::MigrateHot => Score::Hot,
            Self::LruPrio if ops.is_physical() => Score::Hot,
            Self::LruDeprio if ops.is_physical() => Score::Cold,
            _ => Score::None,
        }
    }

    /// Any action but `stat` starts a new life for the region, whatever it achieved.
    pub(crate) fn resets_age(self) -> bool {
        self != Self::Stat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_and_scored_depends_on_the_addresses() {
        // damon-core.md 5.11, 10.4 and 11: action -> known and score, physical then virtual
        let hot = Some(Score::Hot);
        let cold = Some(Score::Cold);
        let alike = Some(Score::None);
        for (action, physical, of_processes) in [
            (Action::WillNeed, None, alike),
            (Action::Cold, None, alike),
            (Action::PageOut, cold, cold),
            (Action::HugePage, None, alike),
            (Action::NoHugePage, None, alike),
            (Action::Collapse, None, alike),
            (Action::LruPrio, hot, None),
            (Action::LruDeprio, cold, None),
            (Action::MigrateHot, hot, hot),
            (Action::MigrateCold, cold, cold),
            (Action::Stat, alike, alike),
        ] {
            for (ops, score) in [
                (OpsId::Paddr, physical),
                (OpsId::PaddrIbs, physical),
                (OpsId::Vaddr, of_processes),
                (OpsId::Fvaddr, of_processes),
            ] {
                assert_eq!(action.is_known_to(ops), score.is_some(), "{action:?} {ops:?}");
                assert_eq!(action.score(ops), score.unwrap_or(Score::None), "{action:?} {ops:?}");
            }
            assert_eq!(action.resets_age(), action != Action::Stat);
            let migrates = [Action::MigrateHot, Action::MigrateCold].contains(&action);
            assert_eq!(action.migrates(), migrates);
            assert_eq!(Action::from_name(action.name()), Some(action));
        }
        assert_eq!(Action::ALL.len(), 11);
    }
}
