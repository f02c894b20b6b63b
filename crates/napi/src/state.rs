//! What a monitor says of itself besides counters: accounts of rounds, tried regions, intervals.

use damon_core::scheme::{Round, Scheme, Share, TriedRegion};
use damon_monitor::Monitor;
use napi::bindgen_prelude::{BigInt, BigUint64Array, Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;

/// Regions and their bytes.
#[napi(object)]
pub struct RoundShare {
    /// How many.
    pub regions: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// One scheme's part in one round.
#[napi(object)]
pub struct RoundEntry {
    /// When, in nanoseconds of the monitor's clock.
    pub time_ns: BigInt,
    /// In which tick.
    pub tick: f64,
    /// Index of the scheme.
    pub scheme: u32,
    /// Whether a quota window opened.
    pub opened: bool,
    /// Bytes the scheme may try in the window.
    pub effective_sz_bytes: f64,
    /// Bytes charged in the window before the round.
    pub charged_before: f64,
    /// Bytes charged in the window after it.
    pub charged_after: f64,
    /// Regions below this score had to wait.
    pub score_min: u32,
    /// How long the operations set took.
    pub elapsed_ns: f64,
    /// Handed to the operations set.
    pub tried: RoundShare,
    /// Of those: with an effect.
    pub applied: RoundShare,
    /// Bytes of those that passed the page filters.
    pub ops_passed_bytes: f64,
    /// Not what the scheme is about.
    pub no_match: RoundShare,
    /// Others come first.
    pub low_score: RoundShare,
    /// A filter objected.
    pub filtered: RoundShare,
    /// The quota was used up.
    pub quota_full: RoundShare,
    /// Had their turn before the last full window ended.
    pub served_before: RoundShare,
    /// The scheme has done as many snapshots as it may.
    pub snapshots_done: RoundShare,
}

/// Accounts of rounds.
#[napi(object)]
pub struct RoundBooks {
    /// Oldest first.
    pub rounds: Vec<RoundEntry>,
    /// Those that had to make room, since the start.
    pub dropped: f64,
}

/// What a scheme tried in one round, as columns.
#[napi(object)]
pub struct TriedColumns {
    /// Index of the target.
    pub targets: Uint32Array,
    /// First byte.
    pub starts: BigUint64Array,
    /// One past the last byte.
    pub ends: BigUint64Array,
    /// The moving access count.
    pub nr_accesses: Uint32Array,
    /// Age in aggregations.
    pub ages: Uint32Array,
    /// The moving hits of probes, four for each region.
    pub probe_hits: Uint8Array,
    /// Bytes that passed the page filters.
    pub sz_filter_passed: Float64Array,
}

/// How a monitor goes about it now.
#[napi(object)]
pub struct MonitorState {
    /// The sampling interval in force.
    pub sample_us: f64,
    /// The aggregation interval in force.
    pub aggregation_us: f64,
    /// Whether monitoring rests.
    pub paused: bool,
    /// By scheme: whether its watermarks let it act.
    pub activated: Vec<bool>,
    /// Whether a commit is still to take effect.
    pub committing: bool,
    /// The operations set in use.
    pub operations: String,
    /// The sets that can be selected.
    pub available_operations: Vec<String>,
}

impl From<Share> for RoundShare {
    fn from(Share { regions, bytes }: Share) -> Self {
        Self { regions: regions as f64, bytes: bytes as f64 }
    }
}

pub(crate) fn round_books(monitor: &mut Monitor) -> RoundBooks {
    round_accounts(monitor.take_rounds(), monitor.kdamond().rounds_dropped())
}

pub(crate) fn round_accounts(rounds: Vec<Round>, dropped: u64) -> RoundBooks {
    RoundBooks { rounds: rounds.into_iter().map(round_entry).collect(), dropped: dropped as f64 }
}

fn round_entry(round: Round) -> RoundEntry {
    RoundEntry {
        time_ns: BigInt::from(round.time_ns),
        tick: round.tick as f64,
        scheme: round.scheme as u32,
        opened: round.opened,
        effective_sz_bytes: round.effective_sz as f64,
        charged_before: round.charged_before as f64,
        charged_after: round.charged_after as f64,
        score_min: round.score_min,
        elapsed_ns: round.elapsed_ns as f64,
        tried: round.tried.into(),
        applied: round.applied.into(),
        ops_passed_bytes: round.ops_passed_bytes as f64,
        no_match: round.no_match.into(),
        low_score: round.low_score.into(),
        filtered: round.filtered.into(),
        quota_full: round.quota_full.into(),
        served_before: round.served_before.into(),
        snapshots_done: round.snapshots_done.into(),
    }
}

pub(crate) fn tried_columns(regions: &[TriedRegion]) -> TriedColumns {
    fn column<T, C: From<Vec<T>>>(regions: &[TriedRegion], of: impl Fn(&TriedRegion) -> T) -> C {
        regions.iter().map(of).collect::<Vec<_>>().into()
    }
    TriedColumns {
        targets: column(regions, |region| region.target as u32),
        starts: column(regions, |region| region.start),
        ends: column(regions, |region| region.end),
        nr_accesses: column(regions, |region| region.nr_accesses),
        ages: column(regions, |region| region.age),
        probe_hits: regions.iter().flat_map(|region| region.probe_hits).collect::<Vec<_>>().into(),
        sz_filter_passed: column(regions, |region| region.sz_filter_passed as f64),
    }
}

pub(crate) fn monitor_state(monitor: &Monitor) -> MonitorState {
    let kdamond = monitor.kdamond();
    MonitorState {
        sample_us: kdamond.attrs().sample_us as f64,
        aggregation_us: kdamond.attrs().aggregation_us as f64,
        paused: kdamond.is_paused(),
        activated: kdamond.schemes().iter().map(Scheme::is_activated).collect(),
        committing: monitor.is_committing(),
        operations: kdamond.ops().name().into(),
        available_operations: monitor.available_operations().map(|ops| ops.name().into()).collect(),
    }
}
