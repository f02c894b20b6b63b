//! What a producer says about one observed access.

/// Which address space [`AccessReport::address`] belongs to. Explicit, so that address 0 is an
/// address like any other (hazard H15: "0 means none" hides page 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AddressKind {
    /// A physical byte address.
    Physical = 0,
    /// A byte address in the address space of process `tgid`.
    Virtual = 1,
}

/// One observed access. Copied into the ring; the caller's copy may live on its stack.
///
/// The fields are those of the RFC's `struct damon_access_report`, except that the address says
/// its kind and the time is nanoseconds of the monitor's clock instead of kernel ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AccessReport {
    /// First byte accessed.
    pub address: u64,
    /// When the access was seen, in nanoseconds of the monitor's clock.
    pub time_ns: u64,
    /// Bytes covered from `address` on. At least 1; samplers that know only the page say 4096.
    pub size: u32,
    /// Thread that made the access, 0 if unknown.
    pub tid: u32,
    /// Process that made the access, 0 if unknown.
    pub tgid: u32,
    /// CPU that made the access.
    pub cpu: u16,
    /// Address space of `address`.
    pub kind: AddressKind,
    /// True for a store.
    pub write: bool,
}

// Two reports share a cache line and none straddles one; the RFC's record takes 48 bytes.
const _: () = assert!(size_of::<AccessReport>() == 32, "a slot is half a cache line");

impl AccessReport {
    /// A read of `size` bytes at a physical address; everything else zero.
    pub fn physical(address: u64, size: u32, time_ns: u64) -> Self {
        Self {
            address,
            time_ns,
            size,
            tid: 0,
            tgid: 0,
            cpu: 0,
            kind: AddressKind::Physical,
            write: false,
        }
    }
}
