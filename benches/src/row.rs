//! One line of the results.
//!
//! A subject of ours has one row per rival, with the ratio; a rival has one row of its own. Times
//! are nanoseconds per item; what an item is, the scenario says.

use serde::Serialize;
use serde_json::Value;

/// One subject in one configuration of a scenario.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// Name of the scenario.
    pub(crate) scenario: &'static str,
    /// The configuration, an object.
    pub(crate) params: Value,
    /// Who was measured.
    pub(crate) subject: &'static str,
    /// Median over the rounds. Nanoseconds per item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ns_per_item: Option<f64>,
    /// Instead of a time, where memory is compared. Bytes per item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_per_item: Option<f64>,
    /// Where time is simulated: so many seconds of it in one of ours, by the value above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) simulated_s_per_s: Option<f64>,
    /// Smallest and largest round, in the unit of the value above.
    pub(crate) spread: [f64; 2],
    /// In a row of ours: whom the ratio compares with. `null` in a rival's own row.
    pub(crate) rival: Option<&'static str>,
    /// The rival's cost over ours: above 1, ours costs less. Median of the ratios of each round.
    pub(crate) ratio: Option<f64>,
}

impl Row {
    /// The value, whichever it is.
    pub(crate) fn value(&self) -> f64 {
        self.ns_per_item.or(self.bytes_per_item).unwrap_or(f64::NAN)
    }
}

/// Three decimals: a picosecond, a thousandth of a ratio. More would be noise.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
