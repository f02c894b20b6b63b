//! What a workload must be to run at all: refused by path, before anything is placed.

use super::{Area, Interleave, Line, PageSize, Pattern, Policy, Process, Workload};
use crate::{HUGE_SZ, MachineError, PAGE_SZ};

/// Pages of one interleaving turn: what is kept in memory while placing.
const TURN_MAX: u64 = 1 << 20;
/// Pages of all areas: their numbers fit 32 bits with room for holes.
const BYTES_MAX: u64 = 1 << 43;

/// What the workload may count on.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) nodes: usize,
    pub(crate) cpus: u16,
}

type Checked = Result<(), MachineError>;

impl Workload {
    pub(crate) fn check(&self, limits: Limits) -> Checked {
        if self.processes.is_empty() {
            return Err(refuse("workload.processes", "at least one process", "none"));
        }
        let mut bytes = 0u64;
        for (index, process) in self.processes.iter().enumerate() {
            let path = format!("workload.processes[{index}]");
            let before = &self.processes[..index];
            if process.tgid == 0 || before.iter().any(|other| other.tgid == process.tgid) {
                let expected = "from 1 on, and no other process's";
                return Err(refuse(path + ".tgid", expected, process.tgid));
            }
            let cpus = process.cpus_of(limits.cpus);
            let clashes = |other: &Process| {
                let other = other.cpus_of(limits.cpus);
                cpus.start < other.end && other.start < cpus.end
            };
            if cpus.is_empty() || cpus.end > limits.cpus || before.iter().any(clashes) {
                let expected = format!(
                    "CPUs below {} on which no process before it runs, at least one",
                    limits.cpus
                );
                return Err(refuse(path + ".cpus", expected, format!("{cpus:?}")));
            }
            process.check(&path, limits)?;
            for area in &process.areas {
                bytes = bytes.saturating_add(area.bytes);
            }
        }
        if bytes > BYTES_MAX {
            return Err(refuse("workload", "at most 8 TiB in all", format!("{bytes} bytes")));
        }
        Ok(())
    }
}

impl Process {
    pub(crate) fn cpus_of(&self, cpus: u16) -> std::ops::Range<u16> {
        self.cpus.clone().unwrap_or(0..cpus)
    }

    fn check(&self, path: &str, limits: Limits) -> Checked {
        if !(self.memory_share > 0.0 && self.memory_share <= 1.0) {
            let expected = "a share above 0, at most 1";
            return Err(refuse(format!("{path}.memoryShare"), expected, self.memory_share));
        }
        if !(0.05..=1000.0).contains(&self.cycles_per_op) {
            return Err(refuse(format!("{path}.cyclesPerOp"), "0.05 to 1000", self.cycles_per_op));
        }
        if self.areas.is_empty() {
            return Err(refuse(format!("{path}.areas"), "at least one area", "none"));
        }
        if self.phases.is_empty() {
            return Err(refuse(format!("{path}.phases"), "at least one phase", "none"));
        }
        for (index, area) in self.areas.iter().enumerate() {
            area.check(&format!("{path}.areas[{index}]"), limits)?;
        }
        for (index, phase) in self.phases.iter().enumerate() {
            let path = format!("{path}.phases[{index}]");
            if phase.duration_ns == 0 {
                return Err(refuse(path + ".durationMs", "above 0", 0));
            }
            if phase.lines.is_empty() {
                return Err(refuse(path + ".lines", "at least one line", "none"));
            }
            for (index, line) in phase.lines.iter().enumerate() {
                line.check(&format!("{path}.lines[{index}]"), &self.areas)?;
            }
            let weights: f64 = phase.lines.iter().map(|line| line.weight).sum();
            if weights <= 0.0 {
                return Err(refuse(path + ".lines", "weights whose sum is above 0", weights));
            }
        }
        Ok(())
    }
}

impl Area {
    fn check(&self, path: &str, limits: Limits) -> Checked {
        let page = self.page_size.bytes();
        if self.bytes == 0 || !self.bytes.is_multiple_of(page) || self.bytes > BYTES_MAX {
            let expected = format!("whole pages of {page} bytes, at least one");
            return Err(refuse(format!("{path}.bytes"), expected, self.bytes));
        }
        match &self.policy {
            Policy::Local => Ok(()),
            Policy::Preferred(nid) if (*nid as usize) < limits.nodes => Ok(()),
            Policy::Preferred(nid) => {
                let expected = format!("a node below {}", limits.nodes);
                Err(refuse(format!("{path}.placement.preferred"), expected, format!("node {nid}")))
            }
            Policy::Interleave(interleave) => interleave.check(path, limits),
        }
    }
}

impl Interleave {
    fn check(&self, path: &str, limits: Limits) -> Checked {
        let path = format!("{path}.placement.interleave");
        if let Some((nid, _)) = self.weights.iter().find(|(nid, _)| *nid as usize >= limits.nodes) {
            let expected = format!("weights of nodes below {}", limits.nodes);
            return Err(refuse(path, expected, format!("node {nid}")));
        }
        match self.turn() {
            0 => Err(refuse(path, "weights that are not all 0", "0 in sum")),
            turn if turn > TURN_MAX => {
                Err(refuse(path, "weights of at most 2^20 in sum", format!("{turn} in sum")))
            }
            _ => Ok(()),
        }
    }
}

impl Line {
    fn check(&self, path: &str, areas: &[Area]) -> Checked {
        let path = |field: &str| format!("{path}.{field}");
        let Some(area) = areas.get(self.area) else {
            return Err(refuse(path("area"), "an area of the process", self.area));
        };
        let share = |field: &str, share: f64| {
            let is_one = (0.0..=1.0).contains(&share);
            if is_one { Ok(()) } else { Err(refuse(path(field), "a share from 0 to 1", share)) }
        };
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(refuse(path("weight"), "0 or above", self.weight));
        }
        share("storeShare", self.store_share)?;
        for (field, value) in [("reuse", self.reuse), ("parallelism", self.parallelism)] {
            if let Some(value) = value.filter(|value| !(1.0..=1e6).contains(value)) {
                return Err(refuse(path(field), "1 to 1e6", value));
            }
        }
        match self.pattern {
            Pattern::HotSet { hot_bytes, hot_share, offset_bytes, .. } => {
                share("pattern.hotShare", hot_share)?;
                if hot_bytes == 0 || hot_bytes % PAGE_SZ != 0 || hot_bytes > area.bytes {
                    let expected = format!("whole pages, from one to the area's {}", area.bytes);
                    return Err(refuse(path("pattern.hotBytes"), expected, hot_bytes));
                }
                if hot_bytes == area.bytes && hot_share < 1.0 {
                    let expected = "1 where the whole area is hot";
                    return Err(refuse(path("pattern.hotShare"), expected, hot_share));
                }
                if offset_bytes % PAGE_SZ != 0 || offset_bytes >= area.bytes {
                    let expected = format!("whole pages, below the area's {}", area.bytes);
                    return Err(refuse(path("pattern.offsetBytes"), expected, offset_bytes));
                }
                Ok(())
            }
            Pattern::Zipf { theta, .. } if !(0.0..=10.0).contains(&theta) => {
                Err(refuse(path("pattern.theta"), "0 to 10", theta))
            }
            Pattern::Stream { stride_bytes } if !(1..=4096).contains(&stride_bytes) => {
                Err(refuse(path("pattern.strideBytes"), "1 to 4096", stride_bytes))
            }
            _ => Ok(()),
        }
    }
}

impl PageSize {
    /// Bytes of such a page.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Base => PAGE_SZ,
            Self::Huge => HUGE_SZ,
        }
    }
}

fn refuse(
    path: impl Into<String>,
    expected: impl Into<String>,
    received: impl ToString,
) -> MachineError {
    MachineError::refusal(path, expected, received)
}
