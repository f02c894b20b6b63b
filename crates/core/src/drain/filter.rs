//! Which reports are meant at all: by CPU, by thread, by load or store.
//!
//! A report passes if for every filter `(it matches == matching) == allow`; none pass everything.
//! A conjunction, so the order of filters does not matter. The RFC's own code takes the verdict of
//! its last filter and turns it around; `hardware-sampling.md` 4.3 says why that is not followed.

use damon_ring::Details;

/// What a filter looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleFilterKind {
    /// The CPU is one of these.
    Cpumask(CpuSet),
    /// The thread is one of these; sorted.
    Threads(Box<[u32]>),
    /// The access is a store.
    Write,
}

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFilter {
    /// What it looks at.
    pub kind: SampleFilterKind,
    /// Acts on reports that match, or on those that do not.
    pub matching: bool,
    /// Lets those it acts on through and no others, or rejects them and no others.
    pub allow: bool,
}

impl SampleFilter {
    /// A filter for threads, in any order.
    pub fn threads(mut tids: Vec<u32>, matching: bool, allow: bool) -> Self {
        tids.sort_unstable();
        Self { kind: SampleFilterKind::Threads(tids.into()), matching, allow }
    }

    fn passes(&self, report: Details) -> bool {
        let matches = match &self.kind {
            SampleFilterKind::Cpumask(cpus) => cpus.contains(report.cpu()),
            SampleFilterKind::Threads(tids) => tids.binary_search(&report.tid()).is_ok(),
            SampleFilterKind::Write => report.write(),
        };
        (matches == self.matching) == self.allow
    }
}

/// Whether every filter lets the report through.
pub(super) fn passes(filters: &[SampleFilter], report: Details) -> bool {
    filters.iter().all(|filter| filter.passes(report))
}

/// CPU numbers, one bit each up to the largest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuSet(Vec<u64>);

impl CpuSet {
    fn contains(&self, cpu: u16) -> bool {
        let word = self.0.get(usize::from(cpu) / 64);
        word.is_some_and(|word| word >> (cpu % 64) & 1 == 1)
    }
}

impl FromIterator<u16> for CpuSet {
    fn from_iter<T: IntoIterator<Item = u16>>(cpus: T) -> Self {
        let mut words = Vec::new();
        for cpu in cpus {
            let word = usize::from(cpu) / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (cpu % 64);
        }
        Self(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use damon_ring::AccessReport;
    use proptest::prelude::*;

    fn details(cpu: u16, tid: u32, write: bool) -> Details {
        (&AccessReport { cpu, tid, write, ..AccessReport::physical(0, 1, 0) }).into()
    }

    #[test]
    fn a_lone_filter_keeps_or_rejects_what_it_matches() {
        let store = details(0, 0, true);
        let load = details(0, 0, false);
        // matching, allow -> (stores pass, loads pass)
        for (matching, allow, expected) in [
            (true, true, (true, false)),
            (true, false, (false, true)),
            (false, true, (false, true)),
            (false, false, (true, false)),
        ] {
            let filters = [SampleFilter { kind: SampleFilterKind::Write, matching, allow }];
            assert_eq!((passes(&filters, store), passes(&filters, load)), expected);
        }
        assert!(passes(&[], load), "no filter, no loss");
    }

    #[test]
    fn cpus_and_threads_are_sets() {
        let cpus: CpuSet = [0, 1, 2, 8, 700].into_iter().collect();
        for cpu in 0..800 {
            assert_eq!(cpus.contains(cpu), [0, 1, 2, 8, 700].contains(&cpu), "{cpu}");
        }
        assert!(!cpus.contains(u16::MAX) && !CpuSet::default().contains(0));
        let filter = SampleFilter::threads(vec![9, 3, 3], true, true);
        assert!(filter.passes(details(0, 3, false)) && filter.passes(details(0, 9, false)));
        assert!(!filter.passes(details(0, 4, false)));
    }

    fn filter() -> impl Strategy<Value = SampleFilter> {
        let kind = prop_oneof![
            prop::collection::vec(0u16..4, 0..4)
                .prop_map(|cpus| SampleFilterKind::Cpumask(cpus.into_iter().collect())),
            prop::collection::vec(0u32..4, 0..4)
                .prop_map(|tids| { SampleFilter::threads(tids, true, true).kind }),
            Just(SampleFilterKind::Write),
        ];
        (kind, any::<bool>(), any::<bool>()).prop_map(|(kind, matching, allow)| SampleFilter {
            kind,
            matching,
            allow,
        })
    }

    proptest! {
        #[test]
        fn the_order_of_filters_does_not_matter(
            filters in prop::collection::vec(filter(), 0..5),
            turn in 0usize..5,
            cpu in 0u16..4, tid in 0u32..4, write: bool,
        ) {
            let report = details(cpu, tid, write);
            let verdict = passes(&filters, report);
            let mut turned = filters.clone();
            turned.reverse();
            prop_assert_eq!(passes(&turned, report), verdict);
            if !turned.is_empty() {
                let turn = turn % turned.len();
                turned.rotate_left(turn);
            }
            prop_assert_eq!(passes(&turned, report), verdict);
        }
    }
}
