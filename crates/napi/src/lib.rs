//! The binding: options in, core call, columns out.
//!
//! - [`options`]: what TypeScript passes, checked once more and converted.
//! - [`monitor`]: a source, its lanes and its kdamond, run on demand.
//! - [`live`]: a kdamond on a thread of its own.
//! - [`lane`]: the writing end of one lane.
//! - [`mount`]: a directory that a tree in JavaScript is served as.
//! - [`operations`]: operations sets written in TypeScript: questions out, answers in.
//! - [`counters`]: what has been counted, as plain objects.
//! - [`error`]: every failure as a code, a path, what was expected and what was received.
//!
//! No loops over samples or regions but the copies of columns; no policy.

mod counters;
mod error;
mod lane;
mod live;
mod monitor;
mod mount;
mod operations;
mod options;
mod state;

use napi_derive::napi;

/// The version of the addon; the loader compares it with the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Where this addon lies: what a native sampler opens to find the functions of `node_damon.h`.
// They are exported because this names their crate: without a use it would not be linked.
#[napi]
pub fn library_path() -> Option<String> {
    damon_capi::library_path()
}
