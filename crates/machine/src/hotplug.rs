//! CPUs that go and come back, at moments known beforehand.
//!
//! A CPU that is away runs nothing: its process goes on with those that are left, and gets as much
//! less done. What a sampler knew of it is gone, as in the kernel, which makes a CPU's event anew
//! when it comes back.

use std::ops::Range;

use crate::{IDLE, Machine, MachineError};

/// CPUs go, or come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuChange {
    /// When, in nanoseconds of simulated time, above 0; not before the change before it.
    pub at_ns: u64,
    /// Which.
    pub cpus: Range<u16>,
    /// Whether they are there from then on.
    pub online: bool,
}

/// All changes, and how many have been made.
#[derive(Debug)]
pub(crate) struct Hotplug {
    changes: Vec<CpuChange>,
    made: usize,
}

impl Hotplug {
    /// `processes`: the CPUs of each. None of them may ever be without one.
    pub(crate) fn new(
        changes: Vec<CpuChange>,
        cpus: u16,
        processes: impl Iterator<Item = Range<u16>> + Clone,
    ) -> Result<Self, MachineError> {
        let mut online = vec![true; usize::from(cpus)];
        let mut before_ns = 1;
        for (index, change) in changes.iter().enumerate() {
            let path = format!("processor.hotplug[{index}]");
            let Range { start, end } = change.cpus;
            if change.at_ns < before_ns {
                let expected = "above 0, not before the change before it";
                let received = format!("{} ns", change.at_ns);
                return Err(MachineError::refusal(path + ".atMs", expected, received));
            }
            before_ns = change.at_ns;
            if start >= end || end > cpus {
                let expected = format!("CPUs below {cpus}, at least one");
                let received = format!("{start} to {end}");
                return Err(MachineError::refusal(path + ".cpus", expected, received));
            }
            online[usize::from(start)..usize::from(end)].fill(change.online);
            let mut processes = processes.clone();
            let idle = processes.position(|Range { start, end }| {
                !online[usize::from(start)..usize::from(end)].contains(&true)
            });
            if let Some(process) = idle {
                let expected = "CPUs without which each process has one left";
                let received = format!("all of process {process}");
                return Err(MachineError::refusal(path + ".cpus", expected, received));
            }
        }
        Ok(Self { changes, made: 0 })
    }

    pub(crate) fn next_ns(&self) -> u64 {
        self.changes.get(self.made).map_or(u64::MAX, |change| change.at_ns)
    }
}

impl Machine {
    /// Makes the changes up to a moment.
    pub(crate) fn hotplug_until(&mut self, to_ns: u64) {
        while self.hotplug.next_ns() <= to_ns {
            let CpuChange { cpus, online, .. } = self.hotplug.changes[self.hotplug.made].clone();
            self.hotplug.made += 1;
            for cpu in cpus {
                let Some((process, _)) = self.owner(cpu) else { continue };
                let now = if online { process } else { IDLE };
                if self.cpus[usize::from(cpu)] == now {
                    continue;
                }
                self.cpus[usize::from(cpu)] = now;
                let running = &mut self.processes[usize::from(process)];
                if online {
                    running.online += 1
                } else {
                    running.online -= 1
                }
                let socket = self.processor.socket(cpu);
                self.performance.set_online(usize::from(process), socket, online);
            }
        }
    }

    /// One of the CPUs that run a process now, by a draw.
    pub fn cpu_of(&self, process: u16, draw: u32) -> u16 {
        let running = &self.processes[usize::from(process)];
        let chosen = ((u64::from(draw) * u64::from(running.online)) >> 32) as usize;
        let cpus = running.cpus.clone();
        let mut online = cpus.filter(|cpu| self.running(*cpu).is_some());
        online.nth(chosen).unwrap_or(running.cpus.start)
    }
}
