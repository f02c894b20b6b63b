//! By what name another thread, or a native library in the same process, finds a monitor's lanes.
//!
//! A token is text: it passes through worker messages, environment variables and C strings. It
//! names one monitor of this process and no other, ever: a token of a closed monitor, or of another
//! process, is refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use damon_ring::{LaneDoor, LaneError, Producer};
use thiserror::Error;

/// The name of a monitor's door, such as `damon-0123456789abcdef`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(u64);

const PREFIX: &str = "damon-";

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{:016x}", self.0)
    }
}

impl FromStr for Token {
    type Err = AttachError;

    fn from_str(text: &str) -> Result<Self, AttachError> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 16);
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or(AttachError::Token)
    }
}

/// Why there is no lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AttachError {
    /// Not a token.
    #[error("expected a token such as damon-0123456789abcdef")]
    Token,
    /// No monitor of that name is open in this process.
    #[error("no monitor of this token is open in this process")]
    Unknown,
    /// The monitor has no lane to give.
    #[error(transparent)]
    Lane(#[from] LaneError),
}

/// Takes its monitor's name away when dropped.
#[derive(Debug)]
pub struct Published(Token);

impl Published {
    /// The name.
    pub fn token(&self) -> Token {
        self.0
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        doors().open.remove(&self.0);
    }
}

struct Doors {
    open: HashMap<Token, LaneDoor>,
    published: u64,
    /// Differs from process to process, so that no other one's token fits.
    names: RandomState,
}

fn doors() -> MutexGuard<'static, Doors> {
    static DOORS: LazyLock<Mutex<Doors>> = LazyLock::new(|| {
        Mutex::new(Doors { open: HashMap::new(), published: 0, names: RandomState::new() })
    });
    // Nothing panics while it is held.
    DOORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a door a name, for as long as the returned value lives.
pub fn publish(door: LaneDoor) -> Published {
    let mut doors = doors();
    loop {
        doors.published += 1;
        let token = Token(doors.names.hash_one(doors.published));
        if let Entry::Vacant(free) = doors.open.entry(token) {
            free.insert(door);
            return Published(token);
        }
    }
}

/// A lane of the monitor that the token names.
///
/// # Errors
///
/// [`AttachError`].
pub fn attach(token: &str) -> Result<Producer, AttachError> {
    let token: Token = token.parse()?;
    let door = doors().open.get(&token).cloned().ok_or(AttachError::Unknown)?;
    Ok(door.add()?)
}

/// Whether the monitor that the token names takes reports.
pub fn is_open(token: &str) -> bool {
    let Ok(token) = token.parse() else { return false };
    doors().open.get(&token).is_some_and(|door| !door.is_closed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use damon_ring::{AccessReport, Lanes, LanesOptions};

    #[test]
    fn a_token_leads_to_its_monitor_while_it_is_open() {
        let mut ours = Lanes::new(LanesOptions::default()).unwrap();
        let theirs = Lanes::new(LanesOptions::default()).unwrap();
        let (published, other) = (publish(ours.door()), publish(theirs.door()));
        assert_ne!(published.token(), other.token());
        let token = published.token().to_string();
        let lane = attach(&token).unwrap();
        lane.push(AccessReport::physical(7, 1, 0)).unwrap();
        assert_eq!(ours.drain(|_, _| ()), 1);
        assert!(is_open(&token));
        drop(published);
        assert!(!is_open(&token));
        assert_eq!(attach(&token).err(), Some(AttachError::Unknown));
        assert!(attach(&other.token().to_string()).is_ok());
        assert!(is_open(&other.token().to_string()));
        drop(theirs);
        assert!(!is_open(&other.token().to_string()));
        let closed = attach(&other.token().to_string()).err();
        assert_eq!(closed, Some(AttachError::Lane(LaneError::Closed)));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "damon-", "damon-0123", "damon-0123456789abcdeg", "0123456789abcdef"] {
            assert_eq!(attach(text).err(), Some(AttachError::Token), "{text}");
            assert!(!is_open(text), "{text}");
        }
        assert_eq!(attach("damon-0123456789abcdef").err(), Some(AttachError::Unknown));
    }
}
