//! What a monitor says of itself besides counters: accounts of rounds, tried regions, intervals.

use damon_core::scheme::{Round, Scheme, Share, TriedRegion};
use damon_monitor::Monitor;
use napi::Env;
use napi::bindgen_prelude::{
    BigUint64Array, BigUint64ArraySlice, Float64Array, Float64ArraySlice, Uint8Array, Uint32Array,
};
use napi_derive::napi;

/// What the numbers of a round are: TypeScript reads a row by these.
#[napi]
pub enum RoundColumn {
    /// In which tick.
    Tick,
    /// Index of the scheme.
    Scheme,
    /// 1 if a quota window opened, else 0.
    Opened,
    /// Bytes the scheme may try in the window.
    EffectiveSzBytes,
    /// Bytes charged in the window before the round.
    ChargedBefore,
    /// Bytes charged in the window after it.
    ChargedAfter,
    /// Regions below this score had to wait.
    ScoreMin,
    /// How long the operations set took.
    ElapsedNs,
    /// Handed to the operations set.
    TriedRegions,
    /// Their bytes.
    TriedBytes,
    /// Of those: with an effect.
    AppliedRegions,
    /// Their bytes.
    AppliedBytes,
    /// Bytes of those that passed the page filters.
    OpsPassedBytes,
    /// Not what the scheme is about.
    NoMatchRegions,
    /// Their bytes.
    NoMatchBytes,
    /// Others come first.
    LowScoreRegions,
    /// Their bytes.
    LowScoreBytes,
    /// A filter objected.
    FilteredRegions,
    /// Their bytes.
    FilteredBytes,
    /// The quota was used up.
    QuotaFullRegions,
    /// Their bytes.
    QuotaFullBytes,
    /// Had their turn before the last full window ended.
    ServedBeforeRegions,
    /// Their bytes.
    ServedBeforeBytes,
    /// The scheme has done as many snapshots as it may.
    SnapshotsDoneRegions,
    /// Their bytes.
    SnapshotsDoneBytes,
}

/// Numbers of a round.
#[allow(unreachable_pub, reason = "only public constants are exported")]
#[napi]
pub const ROUND_WIDTH: u32 = RoundColumn::SnapshotsDoneBytes as u32 + 1;

/// Accounts of rounds, oldest first.
#[napi(object, object_from_js = false)]
pub struct RoundColumns<'env> {
    /// When, in nanoseconds of the monitor's clock.
    pub times: BigUint64ArraySlice<'env>,
    /// `ROUND_WIDTH` for each round, as `RoundColumn` says.
    pub numbers: Float64ArraySlice<'env>,
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

/// Copies, not memory of the addon's: that is freed when the event loop turns, and a run on the calling
/// thread lets it wait.
pub(crate) fn round_columns<'env>(
    env: &'env Env,
    rounds: &[Round],
    dropped: u64,
) -> napi::Result<RoundColumns<'env>> {
    let times: Vec<u64> = rounds.iter().map(|round| round.time_ns).collect();
    let numbers: Vec<f64> = rounds.iter().flat_map(numbers).collect();
    Ok(RoundColumns {
        times: BigUint64ArraySlice::copy_from(env, times)?,
        numbers: Float64ArraySlice::copy_from(env, numbers)?,
        dropped: dropped as f64,
    })
}

fn numbers(round: &Round) -> [f64; ROUND_WIDTH as usize] {
    use RoundColumn as Column;
    let mut row = [0.0; ROUND_WIDTH as usize];
    let mut put = |column: Column, number: u64| row[column as usize] = number as f64;
    put(Column::Tick, round.tick);
    put(Column::Scheme, round.scheme as u64);
    put(Column::Opened, u64::from(round.opened));
    put(Column::EffectiveSzBytes, round.effective_sz);
    put(Column::ChargedBefore, round.charged_before);
    put(Column::ChargedAfter, round.charged_after);
    put(Column::ScoreMin, u64::from(round.score_min));
    put(Column::ElapsedNs, round.elapsed_ns);
    put(Column::OpsPassedBytes, round.ops_passed_bytes);
    let mut put_share = |regions: Column, bytes: Column, share: Share| {
        put(regions, share.regions);
        put(bytes, share.bytes);
    };
    put_share(Column::TriedRegions, Column::TriedBytes, round.tried);
    put_share(Column::AppliedRegions, Column::AppliedBytes, round.applied);
    put_share(Column::NoMatchRegions, Column::NoMatchBytes, round.no_match);
    put_share(Column::LowScoreRegions, Column::LowScoreBytes, round.low_score);
    put_share(Column::FilteredRegions, Column::FilteredBytes, round.filtered);
    put_share(Column::QuotaFullRegions, Column::QuotaFullBytes, round.quota_full);
    put_share(Column::ServedBeforeRegions, Column::ServedBeforeBytes, round.served_before);
    put_share(Column::SnapshotsDoneRegions, Column::SnapshotsDoneBytes, round.snapshots_done);
    row
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

#[cfg(test)]
mod tests {
    use damon_core::scheme::{Round, Share};

    use super::numbers;

    #[test]
    fn each_number_of_a_round_has_a_column_of_its_own() {
        let share = |column| Share { regions: column, bytes: column + 1 };
        let row = numbers(&Round {
            time_ns: 99,
            tick: 100,
            scheme: 101,
            opened: true,
            effective_sz: 103,
            charged_before: 104,
            charged_after: 105,
            score_min: 106,
            elapsed_ns: 107,
            tried: share(108),
            applied: share(110),
            ops_passed_bytes: 112,
            no_match: share(113),
            low_score: share(115),
            filtered: share(117),
            quota_full: share(119),
            served_before: share(121),
            snapshots_done: share(123),
        });
        let expected = (100..).map(|number| if number == 102 { 1.0 } else { f64::from(number) });
        assert!(row.into_iter().eq(expected.take(row.len())), "{row:?}");
    }
}
