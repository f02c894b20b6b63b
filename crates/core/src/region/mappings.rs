//! What to monitor of a process: its mappings without the two largest holes between them, which no
//! region should span. `damon-core.md` 11; kernel `__damon_va_three_regions`.

use super::Range;
use crate::arithmetic::align_up;

/// The three stretches, every bound rounded up to `min_region_sz`. Nothing if there are fewer than
/// two holes. Of holes of equal size, the first counts as the larger.
pub(crate) fn three_regions(mappings: &[Range], min_region_sz: u64) -> Option<[Range; 3]> {
    let (first, last) = (mappings.first()?, mappings.last()?);
    let hole = |pair: &[Range]| Range { start: pair[0].end, end: pair[1].start };
    let (mut largest, mut second) = (Range { start: 0, end: 0 }, Range { start: 0, end: 0 });
    for hole in mappings.windows(2).map(hole) {
        if hole.size() > largest.size() {
            (largest, second) = (hole, largest);
        } else if hole.size() > second.size() {
            second = hole;
        }
    }
    if second.size() == 0 {
        return None;
    }
    let (low, high) =
        if largest.start < second.start { (largest, second) } else { (second, largest) };
    let rounded = |start, end| Range {
        start: align_up(start, min_region_sz),
        end: align_up(end, min_region_sz),
    };
    Some([
        rounded(first.start, low.start),
        rounded(low.end, high.start),
        rounded(high.end, last.end),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: u64 = 4096;

    fn three(mappings: &[(u64, u64)]) -> Option<Vec<(u64, u64)>> {
        let mappings: Vec<_> =
            mappings.iter().map(|&(start, end)| Range { start: start * K, end: end * K }).collect();
        three_regions(&mappings, K)
            .map(|three| three.iter().map(|range| (range.start / K, range.end / K)).collect())
    }

    #[test]
    fn the_two_largest_holes_are_left_out() {
        //  [10 20)  5  [25 30)  70  [100 101)  99  [200 210)
        let mappings = [(10, 20), (25, 30), (100, 101), (200, 210)];
        assert_eq!(three(&mappings), Some(vec![(10, 30), (100, 101), (200, 210)]));
    }

    #[test]
    fn of_equal_holes_the_earlier_ones_count() {
        let mappings = [(0, 1), (11, 12), (22, 23), (33, 34)];
        assert_eq!(three(&mappings), Some(vec![(0, 1), (11, 12), (22, 34)]));
    }

    #[test]
    fn a_process_with_fewer_than_two_holes_has_no_three_regions() {
        for mappings in [&[][..], &[(0, 4)], &[(0, 4), (8, 9)], &[(0, 4), (4, 8), (8, 9)]] {
            assert_eq!(three(mappings), None, "{mappings:?}");
        }
    }
}
