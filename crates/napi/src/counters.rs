//! What has been counted, as plain objects. Counts are exact below 2^53.

use damon_core::scheme::Scheme;
use damon_machine::Throughput;
use damon_monitor::live::Live;
use damon_monitor::{LaneReading, Monitor, SourceCounters};
use damon_ring::LaneCounters;
use damon_sampler::SourceCounts;
use napi_derive::napi;

use crate::operations::{QuestionBooks, question_books};

/// Rows of a recording.
#[napi(object)]
pub struct RowBooks {
    /// Rows seen.
    pub read: f64,
    /// Rows handed on.
    pub accepted: f64,
    /// Lines that are no row.
    pub malformed: f64,
    /// Rows before the last accepted one.
    pub time_backwards: f64,
    /// Rows too far after it.
    pub time_gap: f64,
    /// CPU numbers that have no lane.
    pub cpu_beyond_lanes: f64,
    /// Addresses that are not monitored, or that no machine has.
    pub address_out_of_range: f64,
    /// Bytes of the file consumed.
    pub bytes_read: f64,
    /// Bytes of the file, if known.
    pub bytes_total: Option<f64>,
}

/// Samples of the emulated sampler.
#[napi(object)]
pub struct SamplerBooks {
    /// Tagged ops, overflows of a counter, hot units or faults.
    pub selected: f64,
    /// Those that a filter of the hardware threw away.
    pub discarded: f64,
    /// Those that found no room in the hardware.
    pub lost: f64,
    /// Those that software was shown.
    pub samples_total: f64,
    /// Of these, those that software dropped.
    pub samples_filtered: f64,
    /// Of these, those reported.
    pub reported: f64,
    /// Times that the kernel stopped an event.
    pub throttles: f64,
    /// CPU nanoseconds that it took.
    pub overhead_ns: f64,
}

/// Samples by what served them.
#[napi(object)]
pub struct SourceBooks {
    /// Ops without data.
    pub none: f64,
    /// First-level cache.
    pub l1: f64,
    /// Second level.
    pub l2: f64,
    /// Third level.
    pub l3: f64,
    /// Memory, by node.
    pub memory: Vec<f64>,
    /// Stores beyond the second level.
    pub store: f64,
}

/// Pages of the emulated machine that were moved, or not.
#[napi(object)]
pub struct MachineBooks {
    /// Pages that were to be on a node.
    pub asked_pages: f64,
    /// Pages moved there.
    pub migrated_pages: f64,
    /// Pages that were there already.
    pub there_pages: f64,
    /// Pages that somebody held.
    pub busy_pages: f64,
    /// Pages for which the node had no room.
    pub full_pages: f64,
    /// Pages for which there is no such node.
    pub nowhere_pages: f64,
    /// Pages paged out.
    pub paged_out_pages: f64,
    /// Pages read in again.
    pub returned_pages: f64,
    /// Pages that are paged out now.
    pub out_pages: f64,
    /// Faults that found no room.
    pub faults_without_room: f64,
    /// CPU nanoseconds that threads waited for pages on their way.
    pub waited_ns: f64,
}

/// Accessed bits that an emulated monitor looks at.
#[napi(object)]
pub struct AccessCheckBooks {
    /// Pages that were made old and looked at.
    pub checked: f64,
    /// Nanoseconds that this took of a CPU.
    pub overhead_ns: f64,
}

/// The thread of an emulated monitor.
#[napi(object)]
pub struct LatenessBooks {
    /// Sampling intervals begun.
    pub intervals: f64,
    /// Those that were late.
    pub late: f64,
    /// Nanoseconds on account of its wake-up.
    pub wake_up_ns: f64,
    /// Nanoseconds on account of the schemes' work.
    pub work_ns: f64,
    /// Nanoseconds of the latest.
    pub most_ns: f64,
}

/// How fast an emulated process goes.
#[napi(object)]
pub struct ProcessBooks {
    /// Its id.
    pub tgid: u32,
    /// Ops per second.
    pub ops_hz: f64,
    /// Ops since the start.
    pub ops: f64,
    /// Accesses to data per second.
    pub accesses_hz: f64,
    /// CPU nanoseconds that samplers and faults took.
    pub overhead_ns: f64,
    /// Bytes per second from and to each node.
    pub node_bytes_hz: Vec<f64>,
}

/// How busy an emulated node is.
#[napi(object)]
pub struct NodeBooks {
    /// Bytes per second of processes.
    pub bytes_hz: f64,
    /// Bytes per second of migration.
    pub migration_bytes_hz: f64,
    /// Nanoseconds to the data.
    pub latency_ns: f64,
    /// Share of the bandwidth.
    pub utilisation: f64,
}

/// How fast the emulated workload goes.
#[napi(object)]
pub struct ThroughputBooks {
    /// Of each process.
    pub processes: Vec<ProcessBooks>,
    /// Of each node.
    pub nodes: Vec<NodeBooks>,
}

/// The lanes, summed.
#[napi(object)]
pub struct LaneBooks {
    /// Reports given to the lanes.
    pub offered: f64,
    /// Reports stored.
    pub queued: f64,
    /// Reports lost to a full lane.
    pub dropped_full: f64,
    /// Reports lost to a nested push.
    pub dropped_nested: f64,
    /// Reports lost to a stopped monitor.
    pub dropped_closed: f64,
    /// Drains that found a shared lane's indices impossible.
    pub corrupt: f64,
    /// Reports handed to the drain.
    pub drained: f64,
    /// Reports stored and not yet drained.
    pub pending: f64,
    /// Most reports a drain found in one lane.
    pub occupancy_max: u32,
}

/// The drain.
#[napi(object)]
pub struct DrainBooks {
    /// Reports taken from the lanes.
    pub drained: f64,
    /// Reports credited to a region.
    pub credited: f64,
    /// Reports too old.
    pub stale: f64,
    /// Reports that a sample filter rejected.
    pub filtered: f64,
    /// Reports of another address space.
    pub wrong_kind: f64,
    /// Reports of a process that is no target.
    pub no_target: f64,
    /// Addresses that no region contains.
    pub no_region: f64,
    /// Reports that cross the end of their region.
    pub straddling: f64,
}

/// All counters of a monitor.
#[napi(object)]
pub struct MonitorBooks {
    /// Of a recording.
    pub rows: Option<RowBooks>,
    /// Of the emulation.
    pub sampler: Option<SamplerBooks>,
    /// Of sets written in TypeScript.
    pub questions: Option<QuestionBooks>,
    /// Of the emulation, if it was asked to tell them apart.
    pub sources: Option<SourceBooks>,
    /// Accessed bits, if the emulated monitor ever looked at one.
    pub access_checks: Option<AccessCheckBooks>,
    /// The emulated machine.
    pub machine: Option<MachineBooks>,
    /// The policy that moves its pages.
    pub policy: Option<PolicyBooks>,
    /// The emulated monitor's thread, if it is ever late.
    pub lateness: Option<LatenessBooks>,
    /// The lanes.
    pub lanes: LaneBooks,
    /// The drain.
    pub drain: DrainBooks,
    /// The schemes, in order.
    pub schemes: Vec<SchemeBooks>,
}

/// One scheme.
#[napi(object)]
pub struct SchemeBooks {
    /// Regions tried.
    pub nr_tried: f64,
    /// Bytes tried.
    pub sz_tried: f64,
    /// Regions with an effect.
    pub nr_applied: f64,
    /// Bytes with an effect.
    pub sz_applied: f64,
    /// Full windows.
    pub qt_exceeds: f64,
    /// Rounds that reached the last region.
    pub nr_snapshots: f64,
    /// Bytes that passed the filters of pages.
    pub sz_ops_filter_passed: f64,
    /// Bytes the scheme may try in this window.
    pub effective_sz_bytes: f64,
    /// Bytes charged in this window.
    pub charged_sz_bytes: f64,
    /// Bytes charged in all windows before.
    pub total_charged_sz_bytes: f64,
    /// Nanoseconds that actions took.
    pub total_charged_ns: f64,
}

/// What became of the reports of a lane.
#[napi(object)]
pub struct LaneReadingBooks {
    /// On their way.
    pub lane: LaneBooks,
    /// Of those drained: too old.
    pub stale: f64,
    /// Of those drained: rejected by a sample filter.
    pub filtered: f64,
    /// Of those drained: of another address space.
    pub wrong_kind: f64,
    /// Of those drained: of a process that is no target.
    pub no_target: f64,
    /// Of those drained: in no region.
    pub no_region: f64,
    /// Of those drained: credited to a region.
    pub credited: f64,
    /// Of those drained: across the end of a region.
    pub straddling: f64,
}

/// One lane in use.
#[napi(object)]
pub struct LaneEntry {
    /// Its number.
    pub id: u32,
    /// Its counters.
    pub counters: LaneReadingBooks,
}

/// Sampling intervals of a live monitor.
#[napi(object)]
pub struct IntervalBooks {
    /// Those whose lanes were drained.
    pub observed: f64,
    /// Those left out: no lane was open, or they passed before the monitor woke.
    pub unobserved: f64,
    /// The latest wake-up.
    pub late_max_ns: f64,
    /// Wake-ups that were late by 2^n up to 2^(n + 1) nanoseconds.
    pub late_ns_by_power_of_two: Vec<f64>,
}

/// Snapshots on their way to JavaScript.
#[napi(object)]
pub struct QueueBooks {
    /// Those there were.
    pub offered: f64,
    /// Those that were read.
    pub taken: f64,
    /// Those that found no room or made room.
    pub dropped: f64,
    /// Those that wait.
    pub waiting: f64,
}

/// All counters of a live monitor.
#[napi(object)]
pub struct LiveBooks {
    /// As of any monitor.
    pub monitor: MonitorBooks,
    /// Lanes in use, by number.
    pub by_lane: Vec<LaneEntry>,
    /// Lanes no longer in use, summed.
    pub retired_lanes: LaneReadingBooks,
    /// Sampling intervals.
    pub intervals: IntervalBooks,
    /// Snapshots.
    pub snapshots: QueueBooks,
}

/// A policy other than the schemes.
#[napi(object)]
pub struct PolicyBooks {
    /// Reports offered to its lanes.
    pub offered: f64,
    /// Reports that found no room there.
    pub dropped: f64,
    /// Reports that wait there.
    pub pending: f64,
    /// Reports it took.
    pub reports: f64,
    /// Reports about other memory than the slow node's.
    pub elsewhere: f64,
    /// Reports about pages of the slow node.
    pub noted: f64,
    /// Pages that were to move.
    pub wanted_pages: f64,
    /// Pages of those that did.
    pub moved_pages: f64,
    /// Pages of those that stayed.
    pub kept_pages: f64,
    /// Pages that moved up.
    pub promoted_pages: f64,
    /// Pages that moved down.
    pub demoted_pages: f64,
    /// Pages of those that made room.
    pub reclaimed_pages: f64,
    /// Folios looked at to make room.
    pub looked_folios: f64,
    /// Nanoseconds that all of that took.
    pub busy_ns: f64,
}

fn policy_books(counters: &SourceCounters) -> Option<PolicyBooks> {
    let SourceCounters::Emulation { policy: Some(policy), .. } = counters else { return None };
    let (did, lanes) = (policy.counters, policy.lanes);
    Some(PolicyBooks {
        offered: lanes.offered() as f64,
        dropped: (lanes.offered() - lanes.queued) as f64,
        pending: lanes.pending() as f64,
        reports: did.reports as f64,
        elsewhere: did.elsewhere as f64,
        noted: did.noted as f64,
        wanted_pages: did.wanted_pages as f64,
        moved_pages: did.moved_pages as f64,
        kept_pages: did.kept_pages as f64,
        promoted_pages: did.promoted_pages as f64,
        demoted_pages: did.demoted_pages as f64,
        reclaimed_pages: did.reclaimed_pages as f64,
        looked_folios: did.looked_folios as f64,
        busy_ns: did.busy_ns as f64,
    })
}

fn access_check_books(counters: &SourceCounters) -> Option<AccessCheckBooks> {
    let SourceCounters::Emulation { access_checks, .. } = counters else { return None };
    (access_checks.checked > 0).then_some(AccessCheckBooks {
        checked: access_checks.checked as f64,
        overhead_ns: access_checks.overhead_ns as f64,
    })
}

fn lateness_books(counters: &SourceCounters) -> Option<LatenessBooks> {
    let SourceCounters::Emulation { lateness: Some(lateness), .. } = counters else { return None };
    Some(LatenessBooks {
        intervals: lateness.intervals as f64,
        late: lateness.late as f64,
        wake_up_ns: lateness.wake_up_ns as f64,
        work_ns: lateness.work_ns as f64,
        most_ns: lateness.most_ns as f64,
    })
}

pub(crate) fn books(monitor: &Monitor) -> MonitorBooks {
    let counters = monitor.source_counters();
    let (rows, sampler, machine) = source(&counters);
    let questions = match &counters {
        SourceCounters::Written(questions) => {
            Some(question_books(questions, monitor.kdamond().unobserved()))
        }
        _ => None,
    };
    let drain = monitor.kdamond().drain_counters();
    MonitorBooks {
        rows,
        sampler,
        questions,
        sources: sources(&counters),
        access_checks: access_check_books(&counters),
        machine,
        policy: policy_books(&counters),
        lateness: lateness_books(&counters),
        lanes: lane_books(&monitor.lane_counters()),
        drain: DrainBooks {
            drained: drain.drained as f64,
            credited: drain.credited as f64,
            stale: drain.stale as f64,
            filtered: drain.filtered as f64,
            no_target: drain.no_target as f64,
            wrong_kind: drain.wrong_kind as f64,
            no_region: drain.no_region as f64,
            straddling: drain.straddling as f64,
        },
        schemes: monitor.kdamond().schemes().iter().map(scheme).collect(),
    }
}

fn lane_entry(reading: &LaneReading) -> LaneReadingBooks {
    let LaneReading { counters, losses } = reading;
    LaneReadingBooks {
        lane: lane_books(counters),
        stale: losses.stale as f64,
        filtered: losses.filtered as f64,
        wrong_kind: losses.wrong_kind as f64,
        no_target: losses.no_target as f64,
        no_region: losses.no_region as f64,
        credited: counters.drained as f64 - losses.total() as f64,
        straddling: losses.straddling as f64,
    }
}

fn lane_books(lanes: &LaneCounters) -> LaneBooks {
    LaneBooks {
        offered: lanes.offered() as f64,
        queued: lanes.queued as f64,
        dropped_full: lanes.dropped_full as f64,
        dropped_nested: lanes.dropped_nested as f64,
        dropped_closed: lanes.dropped_closed as f64,
        corrupt: lanes.corrupt as f64,
        drained: lanes.drained as f64,
        pending: lanes.pending() as f64,
        occupancy_max: lanes.occupancy_max,
    }
}

pub(crate) fn live_books(live: &Live) -> LiveBooks {
    let queue = live.queue_counters();
    live.with(|monitor, counters| {
        let (by_lane, retired) = monitor.by_lane();
        let by_lane = by_lane
            .iter()
            .map(|(id, lane)| LaneEntry { id: *id, counters: lane_entry(lane) })
            .collect();
        let intervals = IntervalBooks {
            observed: counters.observed as f64,
            unobserved: monitor.kdamond().unobserved() as f64,
            late_max_ns: counters.lateness.max_ns as f64,
            late_ns_by_power_of_two: counters
                .lateness
                .buckets
                .iter()
                .map(|&wakes| wakes as f64)
                .collect(),
        };
        let snapshots = QueueBooks {
            offered: queue.offered as f64,
            taken: queue.taken as f64,
            dropped: queue.dropped as f64,
            waiting: queue.waiting as f64,
        };
        LiveBooks {
            monitor: books(monitor),
            by_lane,
            retired_lanes: lane_entry(&retired),
            intervals,
            snapshots,
        }
    })
}

pub(crate) fn throughput_books(now: &Throughput) -> ThroughputBooks {
    let processes = now.processes.iter().map(|process| ProcessBooks {
        tgid: process.tgid,
        ops_hz: process.ops_hz,
        ops: process.ops,
        accesses_hz: process.accesses_hz,
        overhead_ns: process.overhead_ns as f64,
        node_bytes_hz: process.node_bytes_hz.clone(),
    });
    let nodes = now.nodes.iter().map(|node| NodeBooks {
        bytes_hz: node.bytes_hz,
        migration_bytes_hz: node.migration_bytes_hz,
        latency_ns: node.latency_ns,
        utilisation: node.utilisation,
    });
    ThroughputBooks { processes: processes.collect(), nodes: nodes.collect() }
}

type OriginBooks = (Option<RowBooks>, Option<SamplerBooks>, Option<MachineBooks>);

fn sources(counters: &SourceCounters) -> Option<SourceBooks> {
    let SourceCounters::Emulation { sources, .. } = counters else { return None };
    let SourceCounts { none, l1, l2, l3, memory, store } = sources.as_ref()?;
    Some(SourceBooks {
        none: *none as f64,
        l1: *l1 as f64,
        l2: *l2 as f64,
        l3: *l3 as f64,
        memory: memory.iter().map(|&samples| samples as f64).collect(),
        store: *store as f64,
    })
}

fn source(counters: &SourceCounters) -> OriginBooks {
    match counters {
        SourceCounters::Recording { rows, bytes_read, bytes_total } => {
            let books = RowBooks {
                read: rows.read as f64,
                accepted: rows.accepted as f64,
                malformed: rows.malformed as f64,
                time_backwards: rows.time_backwards as f64,
                time_gap: rows.time_gap as f64,
                cpu_beyond_lanes: rows.cpu_beyond_lanes as f64,
                address_out_of_range: rows.address_out_of_range as f64,
                bytes_read: *bytes_read as f64,
                bytes_total: bytes_total.map(|bytes| bytes as f64),
            };
            (Some(books), None, None)
        }
        SourceCounters::Live | SourceCounters::Written(_) => (None, None, None),
        SourceCounters::Emulation { sampler, migrations, out_pages, .. } => {
            let books = SamplerBooks {
                selected: sampler.selected as f64,
                discarded: sampler.discarded as f64,
                lost: sampler.lost as f64,
                samples_total: sampler.samples_total as f64,
                samples_filtered: sampler.samples_filtered as f64,
                reported: sampler.reported as f64,
                throttles: sampler.throttles as f64,
                overhead_ns: sampler.overhead_ns as f64,
            };
            let machine = MachineBooks {
                asked_pages: migrations.asked_pages as f64,
                migrated_pages: migrations.migrated_pages as f64,
                there_pages: migrations.there_pages as f64,
                busy_pages: migrations.busy_pages as f64,
                full_pages: migrations.full_pages as f64,
                nowhere_pages: migrations.nowhere_pages as f64,
                paged_out_pages: migrations.paged_out_pages as f64,
                returned_pages: migrations.returned_pages as f64,
                out_pages: *out_pages as f64,
                faults_without_room: migrations.faults_without_room as f64,
                waited_ns: migrations.waited_ns as f64,
            };
            (None, Some(books), Some(machine))
        }
    }
}

fn scheme(scheme: &Scheme) -> SchemeBooks {
    let stats = &scheme.stats;
    SchemeBooks {
        nr_tried: stats.nr_tried as f64,
        sz_tried: stats.sz_tried as f64,
        nr_applied: stats.nr_applied as f64,
        sz_applied: stats.sz_applied as f64,
        qt_exceeds: stats.qt_exceeds as f64,
        nr_snapshots: stats.nr_snapshots as f64,
        sz_ops_filter_passed: stats.sz_ops_filter_passed as f64,
        effective_sz_bytes: scheme.quota.effective_sz_bytes as f64,
        charged_sz_bytes: scheme.quota.charged_sz_bytes as f64,
        total_charged_sz_bytes: scheme.quota.total_charged_sz_bytes as f64,
        total_charged_ns: scheme.quota.total_charged_ns as f64,
    }
}
