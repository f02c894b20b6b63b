//! The binding: options in, core call, columns out.
//!
//! - [`options`]: what TypeScript passes, checked once more and converted.
//! - [`monitor`]: the one exported class: a source, its lanes and its kdamond.
//! - [`counters`]: what has been counted, as plain objects.
//! - [`error`]: every failure as a code, a path, what was expected and what was received.
//!
//! No loops over samples or regions but the copies of columns; no policy.

mod counters;
mod error;
mod monitor;
mod options;

use napi_derive::napi;

/// The version of the addon; the loader compares it with the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
