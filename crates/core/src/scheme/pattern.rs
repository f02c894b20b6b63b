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
    fn contains(&self, value: T) -> bool {
        self.min <= value && value <= self.max
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

    pub(crate) fn matches(&self, size: u64, nr_accesses: u32, age: u32) -> bool {
        self.size.contains(size) && self.nr_accesses.contains(nr_accesses) && self.age.contains(age)
    }
}
