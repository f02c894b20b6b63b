//! Filters: those that the core asks about regions, and those that the operations set asks about
//! pages.

mod core_layer;
mod page;

pub use core_layer::{CoreFilter, CoreFilterKind};
pub(crate) use core_layer::{CoreFilters, Passage};
pub use page::{PageFilter, PageFilterKind, PageFilters};
