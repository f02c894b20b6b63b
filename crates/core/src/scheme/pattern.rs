//! The access pattern: which regions a scheme is about.

/// A closed range of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<T> {
    /// Smallest value that matches.
    pub min: T,
    /// Largest value that matches.
    pub max: T,
}

impl<T: PartialOrd> Bounds<T> {
    /// No branch: what a region is like is anyone's guess.
    #[inline]
    fn contains(&self, value: T) -> bool {
        (self.min <= value) & (value <= self.max)
    }
}

/// Region size, access count and age, all of which must match. `struct damos_access_pattern`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Bytes.
    pub size: Bounds<u64>,
    /// The moving access count.
    pub nr_accesses: Bounds<u32>,
    /// Aggregations.
    pub age: Bounds<u32>,
}

impl Pattern {
    /// Every region.
    pub const ANY: Self = Self {
        size: Bounds { min: 0, max: u64::MAX },
        nr_accesses: Bounds { min: 0, max: u32::MAX },
        age: Bounds { min: 0, max: u32::MAX },
    };

    #[inline]
    pub(crate) fn matches(&self, size: u64, nr_accesses: u32, age: u32) -> bool {
        self.size.contains(size) & self.nr_accesses.contains(nr_accesses) & self.age.contains(age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_must_be_in_their_closed_bounds() {
        let pattern = Pattern {
            size: Bounds { min: 10, max: 20 },
            nr_accesses: Bounds { min: 1, max: 2 },
            age: Bounds { min: 5, max: 5 },
        };
        for (size, nr_accesses, age, matches) in [
            (10, 1, 5, true),
            (20, 2, 5, true),
            (9, 1, 5, false),
            (21, 1, 5, false),
            (10, 0, 5, false),
            (10, 3, 5, false),
            (10, 1, 4, false),
            (10, 1, 6, false),
        ] {
            assert_eq!(
                pattern.matches(size, nr_accesses, age),
                matches,
                "{size} {nr_accesses} {age}"
            );
        }
        assert!(
            Pattern::ANY.matches(u64::MAX, u32::MAX, u32::MAX) && Pattern::ANY.matches(0, 0, 0)
        );
    }
}
