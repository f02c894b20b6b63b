//! The cores: how many, how fast, and what their TLBs and caches hold. `samplers.md` 5.2, 7.6.

use crate::MachineError;

/// All CPUs of the machine, alike. A CPU is a hardware thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Processor {
    /// CPUs, numbered from 0, shared among the sockets in order, as evenly as can be. 1..=8192.
    pub cpus: u16,
    /// Sockets, 1..=8.
    pub sockets: u16,
    /// Cycles per second.
    pub clock_hz: f64,
    /// Nanoseconds that a socket's boundary adds to a memory access.
    pub hop_ns: f64,
    /// Bytes per second that pass between two sockets.
    pub hop_bandwidth_hz: f64,
    /// Translations that the second-level data TLB of a CPU holds, of any page size.
    pub tlb_entries: u32,
    /// Translations that the kernel and neighbours push out of it per millisecond.
    pub tlb_evictions_per_ms: f64,
    /// Cycles that a page walk costs.
    pub walk_cycles: f64,
    /// Caches, from the first level on.
    pub caches: [Cache; 3],
}

/// One level of cache, as one CPU sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cache {
    /// Bytes.
    pub bytes: u64,
    /// Cycles to the data.
    pub latency_cycles: u32,
}

/// Bytes of a cache line.
pub const LINE_SZ: u64 = 64;

impl Processor {
    /// Zen 5 (Turin): 3.7 GHz, 4,096 translations, 48 KiB, 1 MiB and 32 MiB.
    pub fn zen5(cpus: u16) -> Self {
        Self {
            cpus,
            sockets: 1,
            clock_hz: 3.7e9,
            hop_ns: 90.0,
            hop_bandwidth_hz: 150e9,
            tlb_entries: 4096,
            tlb_evictions_per_ms: 0.0,
            walk_cycles: 40.0,
            caches: [
                Cache { bytes: 48 << 10, latency_cycles: 4 },
                Cache { bytes: 1 << 20, latency_cycles: 14 },
                Cache { bytes: 32 << 20, latency_cycles: 50 },
            ],
        }
    }

    /// Zen 4 (Genoa): 3,072 translations and 32 KiB of first level, else as Zen 5.
    pub fn zen4(cpus: u16) -> Self {
        let mut processor = Self::zen5(cpus);
        processor.tlb_entries = 3072;
        processor.caches[0].bytes = 32 << 10;
        processor
    }

    /// The socket of a CPU.
    pub fn socket(&self, cpu: u16) -> u16 {
        (u32::from(cpu) * u32::from(self.sockets) / u32::from(self.cpus)) as u16
    }

    pub(crate) fn check(&self) -> Result<(), MachineError> {
        let refuse = |field: &str, expected: &str, received: f64| {
            MachineError::refusal(format!("processor.{field}"), expected, received)
        };
        if !(1..=8192).contains(&self.cpus) {
            return Err(refuse("cpus", "1 to 8192", self.cpus.into()));
        }
        if !(1..=8).contains(&self.sockets) || self.sockets > self.cpus {
            return Err(refuse("sockets", "1 to 8, at most one a CPU", self.sockets.into()));
        }
        if !(1e6..=1e11).contains(&self.clock_hz) {
            return Err(refuse("clockHz", "1e6 to 1e11", self.clock_hz));
        }
        if !(0.0..=1e6).contains(&self.hop_ns) {
            return Err(refuse("hopNs", "0 to 1e6", self.hop_ns));
        }
        if !(1e6..=1e15).contains(&self.hop_bandwidth_hz) {
            return Err(refuse("hopBandwidthBytesPerS", "1e6 to 1e15", self.hop_bandwidth_hz));
        }
        if self.tlb_entries == 0 {
            return Err(refuse("tlbEntries", "at least 1", 0.0));
        }
        if !(0.0..=1e9).contains(&self.tlb_evictions_per_ms) {
            return Err(refuse("tlbEvictionsPerMs", "0 to 1e9", self.tlb_evictions_per_ms));
        }
        if !(0.0..=1e6).contains(&self.walk_cycles) {
            return Err(refuse("walkCycles", "0 to 1e6", self.walk_cycles));
        }
        let mut below = LINE_SZ - 1;
        for (cache, field) in self.caches.iter().zip(["l1Bytes", "l2Bytes", "l3Bytes"]) {
            if cache.bytes <= below {
                let expected = "more than the level below, a line at least";
                return Err(refuse(field, expected, cache.bytes as f64));
            }
            below = cache.bytes;
        }
        Ok(())
    }
}
