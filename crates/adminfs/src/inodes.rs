//! The numbers by which the kernel knows paths, for as long as it remembers them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The root's.
pub(crate) const ROOT: u64 = 1;

struct Known {
    path: String,
    /// How often the kernel was told, less what it forgot.
    lookups: u64,
}

/// Paths by number, and back. Numbers are not used twice.
pub(crate) struct Inodes {
    paths: HashMap<u64, Known>,
    numbers: HashMap<String, u64>,
    next: u64,
}

impl Inodes {
    pub(crate) fn new() -> Self {
        let root = Known { path: String::new(), lookups: 1 };
        Self { paths: HashMap::from([(ROOT, root)]), numbers: HashMap::new(), next: ROOT + 1 }
    }

    pub(crate) fn path(&self, number: u64) -> Option<String> {
        self.paths.get(&number).map(|known| known.path.clone())
    }

    /// The number of a path that the kernel is about to be told.
    pub(crate) fn look_up(&mut self, path: &str) -> u64 {
        let number = match self.numbers.entry(path.to_owned()) {
            Entry::Occupied(number) => *number.get(),
            Entry::Vacant(vacant) => {
                let number = self.next;
                self.next += 1;
                self.paths.insert(number, Known { path: path.to_owned(), lookups: 0 });
                *vacant.insert(number)
            }
        };
        if let Some(known) = self.paths.get_mut(&number) {
            known.lookups += 1;
        }
        number
    }

    /// The kernel forgets a number that it was told so often.
    pub(crate) fn forget(&mut self, number: u64, lookups: u64) {
        let Entry::Occupied(mut known) = self.paths.entry(number) else { return };
        let left = known.get().lookups.saturating_sub(lookups);
        known.get_mut().lookups = left;
        if left == 0 && number != ROOT {
            self.numbers.remove(&known.remove().path);
        }
    }
}

/// The path of a name in a directory.
pub(crate) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_number_until_every_lookup_is_forgotten() {
        let mut inodes = Inodes::new();
        let number = inodes.look_up("kdamonds");
        assert_eq!(inodes.look_up("kdamonds"), number);
        inodes.forget(number, 1);
        assert_eq!(inodes.path(number).as_deref(), Some("kdamonds"));
        inodes.forget(number, 1);
        assert_eq!(inodes.path(number), None);
        assert_ne!(inodes.look_up("kdamonds"), number, "numbers are not used twice");
    }

    #[test]
    fn the_root_is_never_forgotten() {
        let mut inodes = Inodes::new();
        inodes.forget(ROOT, u64::MAX);
        assert_eq!(inodes.path(ROOT).as_deref(), Some(""));
    }

    #[test]
    fn names_in_the_root_have_no_slash_before_them() {
        assert_eq!((join("", "a"), join("a", "b")), ("a".to_owned(), "a/b".to_owned()));
    }
}
