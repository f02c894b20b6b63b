//! The tick, phase by phase, as `damon-core.md` 2 to 4 has it.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

#[path = "../common/mod.rs"]
mod common;
mod config;
mod regions;
mod reports;
mod ticks;

use common::{Bench, attrs};

/// Three regions apart, `[0 4) [10 14) [20 24)`: as few as there may be, so none is split or merged.
fn three() -> Bench {
    Bench::new(attrs(3), &[(0, 4), (10, 14), (20, 24)], vec![])
}
