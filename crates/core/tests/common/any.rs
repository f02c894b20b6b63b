//! Any scheme, for memory of a few hundred pages.

use damon_core::Action;
use damon_core::region::{Range, Weights};
use damon_core::scheme::{
    Bounds, CoreFilter, FailCharge, Goal, Metric, Pattern, QuotaConfig, SchemeConfig,
};
use proptest::prelude::*;

use super::{COLD, HOT, PAGE, scheme};

/// All memory of these tests lies below.
pub(crate) const PAGES: u64 = 6 * 64;

fn bounds(max: u32) -> impl Strategy<Value = Bounds<u32>> {
    prop_oneof![
        Just(Bounds { min: 0, max: u32::MAX }),
        (0..=max, 0..=max).prop_map(|(a, b)| Bounds { min: a.min(b), max: a.max(b) }),
    ]
}

fn any_filter() -> impl Strategy<Value = CoreFilter> {
    (0..PAGES * PAGE, 0..64 * PAGE, any::<bool>(), any::<bool>()).prop_map(
        |(start, size, matching, allow)| {
            CoreFilter::address(Range { start, end: start + size }, matching, allow)
        },
    )
}

prop_compose! {
    fn any_quota()(
        sz_bytes in prop_oneof![Just(0), 1..40 * PAGE],
        reset_interval_ms in prop_oneof![Just(0), 1u64..12],
        weights in prop_oneof![Just((0, 0)), (0u32..4, 0u32..4)],
        goals in 0usize..2,
        fail_charge in prop_oneof![Just((0, 0)), (0u32..4, 0u32..4)],
    ) -> QuotaConfig {
        QuotaConfig {
            sz_bytes,
            reset_interval_ms,
            weights: Weights { nr_accesses: weights.0, age: weights.1 },
            fail_charge: FailCharge { numerator: fail_charge.0, denominator: fail_charge.1 },
            time_ms: 0,
            goals: vec![Goal { metric: Metric::NodeEligibleMemBp { nid: 0 } }; goals],
        }
    }
}

prop_compose! {
    pub(crate) fn any_scheme()(
        sizes in prop_oneof![Just((0, u64::MAX)), (0u64..8, 0u64..64)],
        nr_accesses in bounds(5),
        age in bounds(4),
        action in prop_oneof![
            Just(Action::Stat), Just(HOT), Just(COLD),
        ],
        apply_interval_us in prop_oneof![Just(0), 500u64..7_000],
        quota in any_quota(),
        filters in prop::collection::vec(any_filter(), 0..3),
    ) -> SchemeConfig {
        let size = Bounds { min: sizes.0 * PAGE, max: sizes.1.saturating_mul(PAGE) };
        let pattern = Pattern { size, nr_accesses, age };
        SchemeConfig {
            pattern,
            apply_interval_us,
            quota,
            core_filters: filters,
            ..scheme(action)
        }
    }
}
