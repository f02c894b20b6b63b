//! What the tests of the monitor share: recordings in files that go away, configurations.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use damon_core::region::{Range, Weights};
use damon_core::scheme::{Bounds, CoreFilter, Goal, Metric, Pattern, QuotaConfig, SchemeConfig};
use damon_core::{Action, Attrs, OpsId};
use damon_machine::{HotSet, Interleave, MachineConfig, NodeConfig, Processor};
use damon_monitor::{ContextConfig, MonitorConfig};
use damon_ring::LanesOptions;
use damon_sampler::{Counting, IbsOpConfig, SamplerConfig};

pub(crate) const MIB: u64 = 1 << 20;
/// Memory comes in blocks of this size.
pub(crate) const BLOCK: u64 = 128 * MIB;
pub(crate) const MS: u64 = 1_000_000;

/// A recording in the temporary directory, removed when dropped.
pub(crate) struct File(PathBuf);

impl File {
    /// Rows of (time in ns, CPU, physical address); `tail` follows them as it is.
    pub(crate) fn new(rows: impl IntoIterator<Item = (u64, u16, u64)>, tail: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("damon-monitor-{}-{number}.samples.csv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut text = String::from("time_ns,cpu,vaddr,paddr,is_write,size\n");
        for (time_ns, cpu, address) in rows {
            text += &format!("{time_ns},{cpu},0x0,{address:#x},0,8\n");
        }
        std::fs::write(&path, text + tail).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Somebody may have tidied up before us.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(crate) fn scheme(action: Action) -> SchemeConfig {
    SchemeConfig::of(action)
}

/// The same with another context.
pub(crate) fn in_context(
    mut config: MonitorConfig,
    change: impl FnOnce(&mut ContextConfig),
) -> MonitorConfig {
    change(&mut config.context);
    config
}

/// Ticks of 1 ms, aggregations of 10 ms, a snapshot for each.
pub(crate) fn config(schemes: Vec<SchemeConfig>) -> MonitorConfig {
    MonitorConfig {
        context: ContextConfig {
            sample_filters: vec![],
            ops: OpsId::PaddrIbs,
            attrs: Attrs {
                sample_us: 1_000,
                aggregation_us: 10_000,
                min_nr_regions: 10,
                max_nr_regions: 100,
                ..Attrs::default()
            },
            addr_unit: 1,
            targets: None,
            schemes,
            probes: vec![],
            paused: false,
            sampler: None,
            attempt_any_action: false,
        },
        snapshot_every_ns: 0,
        lanes: LanesOptions { lanes_max: 16, slots: 16 },
        seed: 1,
    }
}

/// Two nodes of 128 MiB, half of each taken by a hot set of 128 MiB minus `cold` pages.
pub(crate) fn machine(cold_pages: u32) -> MachineConfig {
    let pages = (128 * MIB / 4096) as u32;
    let hot_share = if cold_pages == 0 { 1.0 } else { 0.95 };
    let hot_pages = pages - cold_pages;
    let workload = HotSet { pages, hot_pages, hot_share, store_share: 0.3, tgid: 1 };
    let nodes = vec![NodeConfig::dram(0, BLOCK), NodeConfig::dram(BLOCK, BLOCK)];
    MachineConfig::new(nodes, Processor::zen5(4), workload.placed(Interleave::even(2)))
}

/// Four CPUs, about fifty reports in 5 ms.
pub(crate) fn sampler(seed: u64) -> SamplerConfig {
    SamplerConfig::IbsOp(IbsOpConfig {
        period: 65_536,
        counting: Counting::Ops,
        rate_hz: Some(400_000_000),
        data_share: Some(0.41),
        seed,
        ..IbsOpConfig::default()
    })
}

/// Moves what is used to a node, from the other one; at most `quota_bytes` a second.
pub(crate) fn towards(nid: u32, quota_bytes: u64) -> SchemeConfig {
    let source = if nid == 0 { BLOCK } else { 0 };
    SchemeConfig {
        pattern: Pattern { nr_accesses: Bounds { min: 1, max: u32::MAX }, ..Pattern::ANY },
        target_nid: Some(nid),
        quota: QuotaConfig {
            sz_bytes: quota_bytes,
            reset_interval_ms: 1_000,
            weights: Weights { nr_accesses: 1, age: 1 },
            goals: vec![Goal { metric: Metric::NodeEligibleMemBp { nid } }],
            ..QuotaConfig::default()
        },
        core_filters: vec![CoreFilter::address(
            Range { start: source, end: source + BLOCK },
            true,
            true,
        )],
        ..SchemeConfig::of(Action::MigrateHot)
    }
}
