//! Operations sets: the one door to an address space, and who owns which.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::region::Range;
use crate::scheme::{Action, Destination, PageFilters};

/// The operations sets there can be, by the names of the `operations` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpsId {
    /// Virtual addresses of a process, regions follow its mappings.
    Vaddr,
    /// Virtual addresses of a process, fixed regions.
    Fvaddr,
    /// Physical addresses, by accessed bits.
    Paddr,
    /// Physical addresses, by hardware-sampled access reports.
    PaddrIbs,
}

impl OpsId {
    /// All sets, in the order of the kernel's enumeration.
    pub const ALL: [Self; 4] = [Self::Vaddr, Self::Fvaddr, Self::Paddr, Self::PaddrIbs];

    /// The set's name in the `operations` file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vaddr => "vaddr",
            Self::Fvaddr => "fvaddr",
            Self::Paddr => "paddr",
            Self::PaddrIbs => "paddr_ibs",
        }
    }

    /// The set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// Physical sets have one target and know nodes.
    pub fn is_physical(self) -> bool {
        matches!(self, Self::Paddr | Self::PaddrIbs)
    }
}

/// How the accesses of a monitor are seen: what its operations set declares, never a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// Somebody reports them: the lanes are drained.
    Reports,
    /// One address of each region is looked at once per sampling interval.
    AccessChecks,
}

/// What one scheme wants done to one region. Addresses are bytes.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The process whose addresses they are; physical addresses if there is none.
    pub tgid: Option<u32>,
    /// Where.
    pub range: Range,
    /// What.
    pub action: Action,
    /// Where to, of the migrate actions: a node, if there are no destinations.
    pub target_nid: Option<u32>,
    /// Where to, by weight: virtual addresses only.
    pub destinations: &'a [Destination],
    /// Which pages.
    pub filters: PageFilters<'a>,
}

/// What an action did to a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Bytes the action took effect on.
    pub bytes: u64,
    /// Bytes that passed the filters of the operations layer.
    pub passed: u64,
    /// How long it took: what a time quota is charged.
    pub elapsed_ns: u64,
}

/// The folio that a scheme's round looked at last, so that one that reaches into two neighbouring
/// regions is not served twice. Any number that names a folio; none at the start of a round.
pub type LastApplied = Option<u64>;

/// Something about all memory that a goal or a watermark asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Bytes in use of a node's.
    NodeUsed {
        /// The node.
        nid: u32,
    },
    /// Bytes that a control group uses of a node's.
    NodeMemcgUsed {
        /// The node.
        nid: u32,
        /// The control group's path from the root of the hierarchy.
        memcg: String,
    },
    /// Bytes on the active lists, of those on all lists.
    Active,
    /// Bytes in huge pages, of those in use.
    Huge,
    /// Free bytes, of all.
    Free,
    /// Microseconds in which some task waited for memory, since the start; the total is the time.
    SomeMemoryStall,
}

/// What a [`Gauge`] reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What was asked for.
    pub part: u64,
    /// Of how much.
    pub total: u64,
}

/// What the monitor asks of an address space. `struct damon_operations`.
///
/// Where a process is given, the addresses are its; else they are physical. All are bytes.
pub trait Operations {
    /// Carries out a job. `damon-core.md` 10.3 and 11.
    fn apply(&mut self, job: &Job<'_>, last: &mut LastApplied) -> Applied;

    /// Bytes of memory in use within `range`, which is physical, that lie on node `nid`, and on any
    /// node.
    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes;

    /// Makes the page of each address old.
    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]);

    /// Says of each address whether its page was accessed since it was
    /// [made old](Self::prepare_access_checks). As long as `addresses`.
    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]);

    /// Whether the process is there.
    fn is_target_valid(&self, tgid: u32) -> bool;

    /// The mappings of a process, ascending and disjoint; none if the process is gone.
    fn mappings(&self, tgid: u32) -> Option<Vec<Range>>;

    /// Reads a gauge; nothing if there is none such here.
    fn read(&self, gauge: &Gauge) -> Option<Reading>;
}

/// How much of a range lies on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeBytes {
    /// Bytes on the node asked for.
    pub on_node: u64,
    /// Bytes on all nodes.
    pub total: u64,
}

/// Why the registry refused. Kernel errno in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// A set of this id is registered already (EINVAL).
    #[error("operations set {} is registered already", .0.name())]
    Registered(OpsId),
    /// No set of this id is registered (EINVAL).
    #[error("operations set {} is not registered", .0.name())]
    Unregistered(OpsId),
    /// A monitor still uses the set (EBUSY).
    #[error("operations set {} is in use", .0.name())]
    Busy(OpsId),
}

/// A monitor's hold on a set: while it lives, the set cannot be unregistered.
#[derive(Clone, Debug)]
pub struct Selected {
    entry: Arc<OpsSet>,
}

/// What is registered.
#[derive(Debug)]
struct OpsSet {
    id: OpsId,
    primitive: Primitive,
}

impl Selected {
    /// Which set.
    pub fn id(&self) -> OpsId {
        self.entry.id
    }

    /// How it sees accesses.
    pub fn primitive(&self) -> Primitive {
        self.entry.primitive
    }
}

/// The sets that can be selected. Owners are counted by reference, so that a set is never left
/// dangling: acquire the new one before releasing the old, and a refusal changes nothing.
/// `hardware-sampling.md` 5.
#[derive(Debug, Default)]
pub struct Registry {
    entries: BTreeMap<OpsId, Arc<OpsSet>>,
}

impl Registry {
    /// Offers a set that sees accesses so.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Registered`].
    pub fn register(&mut self, id: OpsId, primitive: Primitive) -> Result<(), RegistryError> {
        if self.entries.contains_key(&id) {
            return Err(RegistryError::Registered(id));
        }
        self.entries.insert(id, Arc::new(OpsSet { id, primitive }));
        Ok(())
    }

    /// Withdraws a set.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unregistered`], or [`RegistryError::Busy`] while a monitor holds it.
    pub fn unregister(&mut self, id: OpsId) -> Result<(), RegistryError> {
        let entry = self.entries.get(&id).ok_or(RegistryError::Unregistered(id))?;
        if Arc::strong_count(entry) > 1 {
            return Err(RegistryError::Busy(id));
        }
        self.entries.remove(&id);
        Ok(())
    }

    /// Takes hold of a set.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unregistered`].
    pub fn select(&self, id: OpsId) -> Result<Selected, RegistryError> {
        let entry = self.entries.get(&id).ok_or(RegistryError::Unregistered(id))?;
        Ok(Selected { entry: Arc::clone(entry) })
    }

    /// The registered sets, in the kernel's order.
    pub fn available(&self) -> impl Iterator<Item = OpsId> + '_ {
        self.entries.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_in_use_cannot_be_withdrawn_and_a_refusal_changes_nothing() {
        let mut registry = Registry::default();
        registry.register(OpsId::PaddrIbs, Primitive::Reports).unwrap();
        assert_eq!(
            registry.register(OpsId::PaddrIbs, Primitive::Reports),
            Err(RegistryError::Registered(OpsId::PaddrIbs))
        );
        assert_eq!(
            registry.select(OpsId::Vaddr).unwrap_err(),
            RegistryError::Unregistered(OpsId::Vaddr)
        );
        let selected = registry.select(OpsId::PaddrIbs).unwrap();
        let second = selected.clone();
        drop(selected);
        assert_eq!(registry.unregister(OpsId::PaddrIbs), Err(RegistryError::Busy(OpsId::PaddrIbs)));
        assert_eq!(registry.available().collect::<Vec<_>>(), [OpsId::PaddrIbs]);
        drop(second);
        registry.unregister(OpsId::PaddrIbs).unwrap();
        assert_eq!(registry.available().count(), 0);
    }

    #[test]
    fn names_are_the_kernels_and_lead_back() {
        for id in OpsId::ALL {
            assert_eq!(OpsId::from_name(id.name()), Some(id));
        }
        assert_eq!(OpsId::from_name("paddr_pebs"), None);
    }
}
