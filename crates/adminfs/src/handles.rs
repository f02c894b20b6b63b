//! What open files and directories hold: what was found when they were read from the beginning.

use std::collections::HashMap;
use std::sync::Arc;

use crate::tree::Entry;

/// What was found, for readers who come back for the rest of it.
#[derive(Clone)]
pub(crate) enum Held {
    Nothing,
    Text(Arc<str>),
    Entries(Arc<[Entry]>),
}

/// Open files and directories by number.
#[derive(Default)]
pub(crate) struct Handles {
    open: HashMap<u64, Held>,
    next: u64,
}

impl Handles {
    pub(crate) fn open(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.open.insert(number, Held::Nothing);
        number
    }

    pub(crate) fn get(&self, number: u64) -> Held {
        self.open.get(&number).cloned().unwrap_or(Held::Nothing)
    }

    /// Of one that was closed meanwhile, nothing is kept.
    pub(crate) fn hold(&mut self, number: u64, held: Held) {
        if let Some(place) = self.open.get_mut(&number) {
            *place = held;
        }
    }

    pub(crate) fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }
}
