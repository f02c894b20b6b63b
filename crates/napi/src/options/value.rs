//! Numbers, ranges and bounds, checked once more.

use damon_core::region::Range;
use damon_core::scheme::Bounds;
use napi_derive::napi;

use crate::error::Failure;

/// Largest integer that a `number` holds exactly, and one more.
const SAFE_END: f64 = 9_007_199_254_740_992.0;

/// A half-open range of byte addresses.
#[napi(object)]
pub struct RangeInit {
    /// First byte.
    pub start: f64,
    /// One past the last byte.
    pub end: f64,
}

/// Closed bounds; no `max` means no upper bound.
#[napi(object)]
pub struct BoundsInit {
    /// Smallest that matches.
    pub min: f64,
    /// Largest that matches.
    pub max: Option<f64>,
}

/// An integer that a `number` holds exactly.
pub(crate) fn integer(value: f64, path: &str) -> Result<u64, Failure> {
    if value.fract() == 0.0 && (0.0..SAFE_END).contains(&value) {
        Ok(value as u64)
    } else {
        let expected = "an integer from 0 to 2^53 - 1";
        Err(Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, value))
    }
}

pub(crate) fn integer32(value: f64, path: &str) -> Result<u32, Failure> {
    u32::try_from(integer(value, path)?).map_err(|_| {
        let expected = "an integer from 0 to 4294967295";
        Failure::refusal("ERR_DAMON_CONFIG_VALUE", path, expected, value)
    })
}

impl RangeInit {
    fn build(&self, path: &str) -> Result<Range, Failure> {
        Ok(Range {
            start: integer(self.start, &format!("{path}.start"))?,
            end: integer(self.end, &format!("{path}.end"))?,
        })
    }
}

pub(crate) fn ranges(list: &[RangeInit], path: &str) -> Result<Vec<Range>, Failure> {
    list.iter().enumerate().map(|(index, range)| range.build(&format!("{path}[{index}]"))).collect()
}

impl BoundsInit {
    pub(crate) fn build<T: Copy>(
        &self,
        path: &str,
        unlimited: T,
        convert: fn(f64, &str) -> Result<T, Failure>,
    ) -> Result<Bounds<T>, Failure> {
        Ok(Bounds {
            min: convert(self.min, path)?,
            max: self.max.map_or(Ok(unlimited), |max| convert(max, path))?,
        })
    }
}
