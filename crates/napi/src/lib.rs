//! The binding: options in, core call, columns out.

use napi_derive::napi;

/// The version of the addon; the loader compares it with the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
