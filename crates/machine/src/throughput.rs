//! How far the workload gets, and what reaches the memory.

use crate::processor::LINE_SZ;
use crate::{IDLE, Machine};

/// Speed and traffic, now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Of each process.
    pub processes: Vec<ProcessThroughput>,
    /// Of each node.
    pub nodes: Vec<Traffic>,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessThroughput {
    /// Its id.
    pub tgid: u32,
    /// Ops per second, of all of its CPUs.
    pub ops_hz: f64,
    /// Ops since the start.
    pub ops: f64,
    /// Accesses to data per second.
    pub accesses_hz: f64,
    /// CPU nanoseconds that were taken of it since the start: by samplers, by faults, by threads of the
    /// kernel that found no idle CPU, and by waiting for pages on their way to another node.
    pub overhead_ns: u64,
    /// Bytes per second that it moves from and to each node.
    pub node_bytes_hz: Vec<f64>,
}

/// One node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Cache lines per second that processes read and write.
    pub lines_hz: f64,
    /// Bytes per second that processes move.
    pub bytes_hz: f64,
    /// Bytes per second that migration moves.
    pub migration_bytes_hz: f64,
    /// Nanoseconds to the data under this load, from the node's own socket.
    pub latency_ns: f64,
    /// All traffic as a share of the bandwidth.
    pub utilisation: f64,
}

impl Machine {
    /// Speed of every process, load of every node: at most a twentieth of a second behind.
    pub fn throughput(&self) -> Throughput {
        let nodes = self.memory.nodes.len();
        let processes = self.processes.iter().enumerate().map(|(index, process)| {
            let ops_hz = self.performance.ops_hz(index);
            ProcessThroughput {
                tgid: process.tgid,
                ops_hz,
                ops: self.ops[index],
                accesses_hz: ops_hz * process.memory_share,
                overhead_ns: self.total_charged_ns[index] + self.charged_ns[index],
                node_bytes_hz: (0..nodes)
                    .map(|nid| self.performance.bytes_hz(index, nid))
                    .collect(),
            }
        });
        let processes = processes.collect();
        let nodes = (0..nodes as u32).map(|nid| self.traffic(nid)).collect();
        Throughput { processes, nodes }
    }

    /// Load of a node; nothing of one that is not there.
    pub fn traffic(&self, nid: u32) -> Traffic {
        let Some(node) = self.memory.nodes.get(nid) else { return Traffic::default() };
        let index = nid as usize;
        let processes = 0..self.processes.len();
        let bytes_hz: f64 =
            processes.map(|process| self.performance.bytes_hz(process, index)).sum();
        let migration_bytes_hz = self.performance.migration_hz(index);
        Traffic {
            lines_hz: bytes_hz / LINE_SZ as f64,
            bytes_hz,
            migration_bytes_hz,
            latency_ns: self.performance.latency_ns(&self.memory, nid, node.socket),
            utilisation: (bytes_hz + migration_bytes_hz) / node.timing.bandwidth_hz,
        }
    }

    /// Takes time from what a CPU runs, for a sampler or a fault.
    pub fn charge(&mut self, cpu: u16, ns: u64) {
        if let Some((process, _)) = self.running(cpu) {
            self.charged_ns[usize::from(process)] += ns;
        }
    }

    /// A thread of the kernel was at work: on a CPU that has nothing to run, if there is one, else in the
    /// time of what each runs in turn.
    pub(crate) fn charge_kernel(&mut self, ns: u64) {
        if self.owners.contains(&IDLE) {
            return;
        }
        let cpus = self.cpus.len();
        let others = (1..=cpus).map(|next| (usize::from(self.kernel_cpu) + next) % cpus);
        let next = others.map(|cpu| cpu as u16).find(|cpu| self.running(*cpu).is_some());
        self.kernel_cpu = next.unwrap_or_default();
        self.charge(self.kernel_cpu, ns);
    }

    /// A thread of the kernel begins with work that takes so long.
    pub fn work_in_kernel(&mut self, ns: u64) {
        self.kernel_left_ns = self.kernel_left_ns.saturating_add(ns);
    }

    /// Work that threads of the kernel have begun goes on.
    pub(crate) fn kernel_on(&mut self, elapsed_ns: u64) {
        let passed_ns = self.kernel_left_ns.min(elapsed_ns);
        if passed_ns > 0 {
            self.kernel_left_ns -= passed_ns;
            self.charge_kernel(passed_ns);
        }
    }

    /// The step's ops are made.
    pub(crate) fn work(&mut self, elapsed_ns: u64) {
        for (index, ops) in self.ops.iter_mut().enumerate() {
            *ops += self.performance.ops_hz(index) * elapsed_ns as f64 / 1e9;
        }
    }
}
