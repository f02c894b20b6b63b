//! Why a sampler is refused.

use thiserror::Error;

/// What was asked for and cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: expected {expected}, got {received}")]
pub struct SamplerError {
    /// The field, such as `period`.
    pub path: &'static str,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub received: String,
}

impl SamplerError {
    pub(crate) fn new(
        path: &'static str,
        expected: impl Into<String>,
        received: impl ToString,
    ) -> Self {
        Self { path, expected: expected.into(), received: received.to_string() }
    }
}

/// Refuses a whole number that is not in a range.
pub(crate) fn within(
    path: &'static str,
    received: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<(), SamplerError> {
    if range.contains(&received) {
        return Ok(());
    }
    Err(SamplerError::new(path, format!("{} to {}", range.start(), range.end()), received))
}
