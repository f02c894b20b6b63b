//! Operations sets: the one door to an address space, and who owns which.

use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use damon_ring::AddressKind;
use thiserror::Error;

use crate::kdamond::Probe;
use crate::region::Range;
use crate::scheme::{Action, Destination, PageFilters};

/// The operations sets there can be: the kernel's, by the names of the `operations` file, and those
/// that somebody else wrote.
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
    /// A set of another name.
    Custom(CustomOps),
}

/// A set that the kernel does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CustomOps {
    name: OpsName,
    addresses: AddressKind,
}

impl PartialOrd for CustomOps {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for CustomOps {
    fn cmp(&self, other: &Self) -> Order {
        let key = |ops: &Self| (ops.name, ops.addresses as u8);
        key(self).cmp(&key(other))
    }
}

/// A name of 1 to 31 letters, digits, `_` and `-`, held in place so that ids stay plain values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpsName {
    /// Zeros after the name.
    bytes: [u8; OpsName::BYTES_MAX],
    len: u8,
}

impl OpsName {
    /// Longest name.
    pub const BYTES_MAX: usize = 31;

    /// Reads a name; nothing if it is none.
    pub fn new(name: &str) -> Option<Self> {
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > Self::BYTES_MAX || !name.bytes().all(is_sound) {
            return None;
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, len: name.len() as u8 })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        // Made of ASCII.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for OpsName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl OpsId {
    /// The kernel's sets, in the order of its enumeration.
    pub const ALL: [Self; 4] = [Self::Vaddr, Self::Fvaddr, Self::Paddr, Self::PaddrIbs];

    /// The set's name in the `operations` file.
    pub fn name(&self) -> &str {
        match self {
            Self::Vaddr => "vaddr",
            Self::Fvaddr => "fvaddr",
            Self::Paddr => "paddr",
            Self::PaddrIbs => "paddr_ibs",
            Self::Custom(custom) => custom.name.as_str(),
        }
    }

    /// The kernel's set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// The set of that name over addresses of that kind; nothing if the name is none, or is the
    /// kernel's for a set of the other kind.
    pub fn of(name: &str, addresses: AddressKind) -> Option<Self> {
        match Self::from_name(name) {
            Some(id) => (id.addresses() == addresses).then_some(id),
            None => OpsName::new(name).map(|name| Self::Custom(CustomOps { name, addresses })),
        }
    }

    /// Which addresses are monitored: decides what can be a target and what an action means.
    pub fn addresses(self) -> AddressKind {
        match self {
            Self::Vaddr | Self::Fvaddr => AddressKind::Virtual,
            Self::Paddr | Self::PaddrIbs => AddressKind::Physical,
            Self::Custom(custom) => custom.addresses,
        }
    }

    /// Physical sets have one target and know nodes.
    pub fn is_physical(self) -> bool {
        self.addresses() == AddressKind::Physical
    }

    /// Whether regions of a process follow its mappings: of `vaddr`, and of every virtual set that
    /// somebody wrote, as long as it tells [`Operations::mappings`].
    pub fn follows_mappings(self) -> bool {
        self != Self::Fvaddr && !self.is_physical()
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

/// Which questions a set answers, of those that not every set does. None else is put to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tells {
    /// [`Operations::prepare_access_checks`].
    pub prepares: bool,
    /// [`Operations::is_target_valid`]; else every process is there.
    pub validity: bool,
    /// [`Operations::mappings`].
    pub mappings: bool,
    /// [`Operations::read`].
    pub gauges: bool,
    /// [`Operations::bytes_on_node`].
    pub nodes: bool,
}

impl Tells {
    /// All of them.
    pub const ALL: Self =
        Self { prepares: true, validity: true, mappings: true, gauges: true, nodes: true };
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

/// What an action did to each of some regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppliedToEach {
    /// Regions on which it took effect.
    pub affected: u64,
    /// All together.
    pub sum: Applied,
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

    /// Carries out a job on each of some ranges instead of its own, in order, and sums up what became
    /// of it. There so that millions of ranges are not asked about one by one; no set need have one
    /// of its own.
    fn apply_each(
        &mut self,
        job: &Job<'_>,
        ranges: &[Range],
        last: &mut LastApplied,
    ) -> AppliedToEach {
        let mut each = AppliedToEach::default();
        for &range in ranges {
            let applied = self.apply(&Job { range, ..*job }, last);
            each.affected += u64::from(applied.bytes > 0);
            each.sum.bytes += applied.bytes;
            each.sum.passed += applied.passed;
            each.sum.elapsed_ns += applied.elapsed_ns;
        }
        each
    }

    /// Bytes of memory in use within `range`, which is physical, that lie on node `nid`, and on any
    /// node.
    fn bytes_on_node(&self, range: Range, nid: u32) -> NodeBytes;

    /// Makes the page of each address old.
    fn prepare_access_checks(&mut self, tgid: Option<u32>, addresses: &[u64]);

    /// Says of each address whether its page was accessed since it was
    /// [made old](Self::prepare_access_checks). As long as `addresses`.
    fn check_accesses(&mut self, tgid: Option<u32>, addresses: &[u64], accessed: &mut [bool]);

    /// Whether there are pages that [`probe`](Self::probe) can ask.
    fn can_probe(&self) -> bool {
        false
    }

    /// Asks the page at each address: sets a bit, probe 0's the lowest, for each probe that it
    /// [passes](Probe::passes), as if nothing were so where there is no page. Leaves pages as they
    /// are. `passed` is all 0 and as long as `addresses`. `damon-core.md` 10.2.
    fn probe(&self, tgid: Option<u32>, addresses: &[u64], probes: &[Probe], passed: &mut [u8]) {
        let _ = tgid;
        debug_assert_eq!(addresses.len(), passed.len());
        let bits = probes.iter().enumerate();
        let of_none =
            bits.fold(0, |bits, (i, probe)| bits | u8::from(probe.passes(|_| false)) << i);
        passed.fill(of_none);
    }

    /// Whether the process is there.
    fn is_target_valid(&self, tgid: u32) -> bool;

    /// The mappings of a process, ascending and disjoint; none if the process is gone.
    fn mappings(&self, tgid: u32) -> Option<Vec<Range>>;

    /// Reads a gauge; nothing if there is none such here.
    fn read(&self, gauge: &Gauge) -> Option<Reading>;

    /// Whether there is a gauge, asked when a goal or a watermark is installed. Unlike
    /// [`read`](Self::read) it is asked by whoever installs, so an answer must be at hand.
    fn has_gauge(&self, gauge: &Gauge) -> bool {
        self.read(gauge).is_some()
    }

    /// How many questions went unanswered since the start: none where memory is at hand, some where
    /// the set is a program of its own that may fail. Whatever was made of an interval, or of a
    /// metric, in which that number grew is not to be believed.
    fn unanswered(&self) -> u64 {
        0
    }
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
    /// A set of this name is registered already (EINVAL).
    #[error("operations set {} is registered already", .0.name())]
    Registered(OpsId),
    /// No set of this id is registered (EINVAL).
    #[error("operations set {} is not registered", .0.name())]
    Unregistered(OpsId),
    /// A monitor still uses the set (EBUSY).
    #[error("operations set {} is in use", .0.name())]
    Busy(OpsId),
    /// The set's owner has closed: it is kept for the monitors that have it, and given to no other
    /// (EBUSY).
    #[error("the owner of operations set {} has closed", .0.name())]
    Leaving(OpsId),
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
    tells: Tells,
    leaving: Arc<AtomicBool>,
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

    /// What it answers.
    pub fn tells(&self) -> Tells {
        self.entry.tells
    }
}

/// Whoever registered a set. Closing, or dropping, it withdraws the set as soon as no monitor has
/// it any more, and from new monitors at once: the module that is going away, of RFC-A 1/7.
#[derive(Debug)]
pub struct Owner {
    id: OpsId,
    leaving: Arc<AtomicBool>,
    registry: Registry,
}

impl Owner {
    /// The set.
    pub fn id(&self) -> OpsId {
        self.id
    }

    /// Withdraws the set. True if it is gone, false if a monitor still has it. Idempotent.
    pub fn close(&self) -> bool {
        let mut entries = self.registry.entries();
        self.leaving.store(true, Ordering::Relaxed);
        tidy(&mut entries);
        !entries.values().any(|entry| Arc::ptr_eq(&entry.leaving, &self.leaving))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
    }
}

type Entries = BTreeMap<OpsId, Arc<OpsSet>>;

/// The sets that can be selected. Holds are counted by reference, so that a set is never left
/// dangling: acquire the new one before releasing the old, and a refusal changes nothing.
/// `hardware-sampling.md` 5. Clones are handles of the same registry.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Arc<Mutex<Entries>>,
}

/// Forgets the sets whose owners have closed and that no monitor has.
fn tidy(entries: &mut Entries) {
    entries.retain(|_, entry| !is_leaving(entry) || Arc::strong_count(entry) > 1);
}

fn is_leaving(entry: &OpsSet) -> bool {
    entry.leaving.load(Ordering::Relaxed)
}

impl Registry {
    /// All changes, and all looks that matter, happen under the lock; holds are let go without it,
    /// which only makes a set freer than it seemed.
    fn entries(&self) -> MutexGuard<'_, Entries> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        tidy(&mut entries);
        entries
    }

    /// Offers a set that sees accesses so, for as long as the registry lives.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Registered`].
    pub fn register(&self, id: OpsId, primitive: Primitive) -> Result<(), RegistryError> {
        self.insert(OpsSet { id, primitive, tells: Tells::ALL, leaving: Arc::default() })
    }

    /// Offers a set for as long as its owner likes.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Registered`]; [`RegistryError::Busy`] while a monitor has a set of that name
    /// whose owner has closed.
    pub fn register_owned(
        &self,
        id: OpsId,
        primitive: Primitive,
        tells: Tells,
    ) -> Result<Owner, RegistryError> {
        let leaving = Arc::<AtomicBool>::default();
        self.insert(OpsSet { id, primitive, tells, leaving: Arc::clone(&leaving) })?;
        Ok(Owner { id, leaving, registry: self.clone() })
    }

    fn insert(&self, set: OpsSet) -> Result<(), RegistryError> {
        let id = set.id;
        let mut entries = self.entries();
        // By name: one of the other kind of addresses would be as hard to tell apart.
        match entries.values().find(|entry| entry.id.name() == id.name()) {
            Some(entry) if is_leaving(entry) => return Err(RegistryError::Busy(id)),
            Some(_) => return Err(RegistryError::Registered(id)),
            None => {}
        }
        entries.insert(id, Arc::new(set));
        Ok(())
    }

    /// Withdraws a set.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unregistered`], or [`RegistryError::Busy`] while a monitor holds it.
    pub fn unregister(&self, id: OpsId) -> Result<(), RegistryError> {
        let mut entries = self.entries();
        let entry = entries.get(&id).ok_or(RegistryError::Unregistered(id))?;
        if Arc::strong_count(entry) > 1 {
            return Err(RegistryError::Busy(id));
        }
        entries.remove(&id);
        Ok(())
    }

    /// Takes hold of a set.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unregistered`], [`RegistryError::Leaving`].
    pub fn select(&self, id: OpsId) -> Result<Selected, RegistryError> {
        let entries = self.entries();
        let entry = entries.get(&id).ok_or(RegistryError::Unregistered(id))?;
        if is_leaving(entry) {
            return Err(RegistryError::Leaving(id));
        }
        Ok(Selected { entry: Arc::clone(entry) })
    }

    /// The registered set of that name.
    pub fn named(&self, name: &str) -> Option<OpsId> {
        self.entries().keys().copied().find(|id| id.name() == name)
    }

    /// The sets that can be selected: the kernel's in its order, then others by name.
    pub fn available(&self) -> Vec<OpsId> {
        self.entries().values().filter(|entry| !is_leaving(entry)).map(|entry| entry.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_in_use_cannot_be_withdrawn_and_a_refusal_changes_nothing() {
        let registry = Registry::default();
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
        assert_eq!(registry.available(), [OpsId::PaddrIbs]);
        drop(second);
        registry.unregister(OpsId::PaddrIbs).unwrap();
        assert_eq!(registry.available(), []);
    }

    #[test]
    fn names_are_the_kernels_and_lead_back() {
        for id in OpsId::ALL {
            assert_eq!(OpsId::from_name(id.name()), Some(id));
        }
        assert_eq!(OpsId::from_name("paddr_pebs"), None);
    }

    fn custom(name: &str, addresses: AddressKind) -> OpsId {
        OpsId::of(name, addresses).unwrap()
    }

    #[test]
    fn a_closed_owner_gives_its_set_to_nobody_and_takes_it_from_nobody() {
        let registry = Registry::default();
        let toy = custom("toy", AddressKind::Physical);
        let owner = registry.register_owned(toy, Primitive::AccessChecks, Tells::ALL).unwrap();
        let selected = registry.select(toy).unwrap();
        assert!(!owner.close());
        assert!(!owner.close());
        assert_eq!(registry.select(toy).unwrap_err(), RegistryError::Leaving(toy));
        assert_eq!(registry.available(), []);
        assert_eq!(registry.register(toy, Primitive::Reports), Err(RegistryError::Busy(toy)));
        assert_eq!((selected.id(), selected.primitive()), (toy, Primitive::AccessChecks));
        drop(selected);
        assert_eq!(registry.select(toy).unwrap_err(), RegistryError::Unregistered(toy));
        let next = registry.register_owned(toy, Primitive::Reports, Tells::ALL).unwrap();
        // The owner of before has nothing to do with the set of now.
        assert!(owner.close());
        drop(owner);
        assert_eq!(registry.select(toy).unwrap().primitive(), Primitive::Reports);
        drop(next);
        assert_eq!(registry.available(), []);
    }

    #[test]
    fn a_new_hold_is_taken_before_the_old_is_let_go_and_a_refusal_leaves_the_old() {
        let registry = Registry::default();
        let (first, second) =
            (custom("first", AddressKind::Virtual), custom("second", AddressKind::Virtual));
        registry.register(first, Primitive::AccessChecks).unwrap();
        let owner = registry.register_owned(second, Primitive::AccessChecks, Tells::ALL).unwrap();
        let mut held = registry.select(first).unwrap();
        owner.close();
        if let Ok(next) = registry.select(second) {
            held = next;
        }
        assert_eq!(held.id(), first);
        assert_eq!(registry.unregister(first), Err(RegistryError::Busy(first)));
        let _again = registry.register_owned(second, Primitive::AccessChecks, Tells::ALL).unwrap();
        held = registry.select(second).unwrap();
        assert_eq!(registry.unregister(second), Err(RegistryError::Busy(second)));
        registry.unregister(first).unwrap();
        assert_eq!(held.id(), second);
    }

    #[test]
    fn names_of_other_sets_are_short_plain_and_each_once() {
        for (name, is_sound) in [
            ("toy", true),
            ("Toy-2_b", true),
            ("", false),
            ("a b", false),
            ("ä", false),
            (&"x".repeat(31), true),
            (&"x".repeat(32), false),
        ] {
            let id = OpsId::of(name, AddressKind::Virtual);
            assert_eq!(id.is_some(), is_sound, "{name:?}");
            assert!(id.is_none_or(|id| id.name() == name && !id.is_physical()));
        }
        assert_eq!(OpsId::of("vaddr", AddressKind::Virtual), Some(OpsId::Vaddr));
        assert_eq!(OpsId::of("vaddr", AddressKind::Physical), None);
        let registry = Registry::default();
        let (physical, virtually) =
            (custom("toy", AddressKind::Physical), custom("toy", AddressKind::Virtual));
        registry.register(physical, Primitive::Reports).unwrap();
        assert_eq!(
            registry.register(virtually, Primitive::Reports),
            Err(RegistryError::Registered(virtually))
        );
        assert!(physical < virtually && OpsId::PaddrIbs < physical);
    }
}
