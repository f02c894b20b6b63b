//! How regions age, merge, split and follow other ranges. `damon-core.md` 3 and 4.

use damon_core::region::Range;
use damon_core::scheme::{CoreFilter, SchemeConfig};
use damon_core::{Action, OpsId};

use crate::common::{Bench, HOT, PAGE, attrs, kdamond, range, ranges, scheme};
use crate::three;

#[test]
fn age_grows_while_the_count_stays_within_a_tenth_of_the_largest_and_restarts_otherwise() {
    // The last region is hit in every tick: largest count 10, threshold 1.
    let mut bench = Bench::new(attrs(4), &[(0, 4), (10, 14), (20, 24), (30, 34)], vec![]);
    for (counts, ages) in [
        // From nothing to something is news, from nothing to nothing is not.
        ([5, 0, 1], [0, 1, 0]),
        ([6, 0, 1], [1, 2, 1]),
        // Two more than before, or two less, is above the threshold; one is not.
        ([8, 0, 2], [0, 3, 2]),
        ([6, 0, 1], [0, 4, 3]),
        // Within the threshold, but to and from zero.
        ([6, 1, 0], [1, 0, 0]),
        ([6, 1, 0], [2, 1, 1]),
    ] {
        let [a, b, c] = counts;
        bench.window(&[(0, a), (10, b), (20, c), (30, 10)]);
        assert_eq!(bench.ages()[..3], ages, "{counts:?}");
    }
}

#[test]
fn schemes_see_full_windows_merged_and_neither_reset_nor_split() {
    //  before  [0 10)[10 20)    [100 130)  [200 230)  [300 330)
    //  merged  [0 ...... 20)    [100 130)  [200 230)  [300 330)      110 pages / 3: limit 37
    let list = [(0, 10), (10, 20), (100, 130), (200, 230), (300, 330)];
    let mut bench = Bench::new(attrs(1000), &list, vec![scheme(Action::Stat)]);
    bench.window(&[(0, 4), (10, 4), (200, 7)]);
    let merged = [(0, 20), (100, 130), (200, 230), (300, 330)];
    assert_eq!(bench.applied(), merged);
    assert_eq!((bench.bounds(), bench.counts()), (merged.to_vec(), vec![4, 0, 7, 0]));
    bench.close();
    assert_eq!(bench.counts(), vec![0; 8], "reset, and every region split in two");
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [4, 4, 0, 0, 7, 7, 0, 0]);
    assert_eq!(bench.ages(), [0, 0, 1, 1, 0, 0, 1, 1]);
    assert!(bench.bounds().iter().zip(bench.bounds().iter().skip(1)).step_by(2).all(
        // Halves of one region, at 10 to 90 percent of it.
        |(left, right)| left.1 == right.0
    ));
}

#[test]
fn the_size_limit_of_a_merge_is_the_one_of_an_aggregation_earlier() {
    //  [0 10)[10 20)  [100 110)              30 pages / 3: limit 10, so nothing merges
    let mut bench = Bench::new(attrs(3), &[(0, 10), (10, 20), (100, 110)], vec![]);
    let list = [(0, 10), (10, 20), (100, 110), (1000, 1300)];
    bench.tick(&[]);
    bench.close();
    bench.kdamond.set_ranges(&ranges(&list)).unwrap();
    for _ in 1..10 {
        bench.tick(&[]);
    }
    // 330 pages / 3: limit 110. The merge still went by 10; the cut afterwards goes by 110.
    let pieces = [(1000, 1110), (1110, 1220), (1220, 1300)];
    let expected: Vec<_> = [(0, 10), (10, 20), (100, 110)].into_iter().chain(pieces).collect();
    assert_eq!(bench.bounds(), expected);
    bench.window(&[]);
    assert_eq!(bench.bounds()[..2], [(0, 20), (100, 110)]);
    assert_eq!(bench.bounds().len(), 5);
}

#[test]
fn the_threshold_doubles_until_there_are_as_few_regions_as_allowed_and_no_further() {
    //  hits  [0 4) 3 [4 8) 5    [20 24) 0 [24 28) 9    [40 48) 0      threshold 0, then 1, 2, 4, ...
    let list = [(0, 4), (4, 8), (20, 24), (24, 28), (40, 48)];
    for (max, expected) in [
        (5, list.to_vec()),
        (4, vec![(0, 8), (20, 24), (24, 28), (40, 48)]),
        (3, vec![(0, 8), (20, 28), (40, 48)]),
    ] {
        let mut bench = Bench::new(attrs(max), &list, vec![]);
        bench.window(&[(0, 3), (4, 5), (24, 9)]);
        assert_eq!(bench.bounds(), expected, "at most {max}");
        assert_eq!(bench.counts().iter().sum::<u32>(), [17, 13, 8][5 - max as usize]);
    }
}

#[test]
fn regions_above_the_limit_are_cut_before_the_first_tick() {
    //  [0 100)  ->  [0 34)[34 68)[68 100)
    let bench = Bench::new(attrs(1000), &[(0, 100)], vec![]);
    assert_eq!(bench.bounds(), [(0, 34), (34, 68), (68, 100)]);
}

#[test]
fn other_ranges_in_the_middle_of_a_window_keep_counts_age_and_weight() {
    //  before  [0 4)   [10 14)   [20 24)
    //  after   [0 4)   [10 ..... 18)        [30 34)
    let mut bench = three();
    bench.window(&[(0, 3), (10, 5)]);
    bench.window(&[(0, 3), (10, 5)]);
    bench.tick(&[0, 10, 11]);
    bench.close();
    bench.kdamond.set_ranges(&ranges(&[(0, 4), (10, 18), (30, 34)])).unwrap();
    bench.tick(&[10, 17, 20, 33]);
    assert_eq!(bench.bounds(), [(0, 4), (10, 18), (30, 34)]);
    assert_eq!((bench.counts(), bench.ages()), (vec![1, 2, 1], vec![1, 1, 0]));
    assert_eq!(bench.hits(), [7, 14, 1]);
    let last: Vec<_> = bench.regions().iter().map(|region| region.last_nr_accesses).collect();
    assert_eq!(last, [3, 5, 0]);
    assert_eq!(bench.kdamond.drain_counters().no_region, 1);
    // A refusal changes nothing, and is no reason to lose the way.
    assert!(bench.kdamond.set_ranges(&ranges(&[(5, 5)])).is_err());
    bench.tick(&[33]);
    assert_eq!((bench.bounds().len(), bench.counts()), (3, vec![1, 2, 2]));
}

#[test]
fn reports_find_regions_that_have_just_been_cut_or_moved() {
    // In the middle of the second window a filter cuts [0 12) at 4 and 8.
    let mut cutting = SchemeConfig { apply_interval_us: 15_000, ..scheme(HOT) };
    cutting.core_filters = vec![CoreFilter::address(range(4, 8), true, true)];
    let mut bench = Bench::new(attrs(3), &[(0, 12), (20, 32), (40, 52)], vec![cutting]);
    bench.window(&[]);
    for _ in 10..14 {
        bench.tick(&[]);
    }
    assert_eq!(bench.bounds(), [(0, 12), (20, 32), (40, 52)]);
    bench.tick(&[1]);
    assert_eq!(bench.bounds(), [(0, 4), (4, 8), (8, 12), (20, 32), (40, 52)]);
    bench.tick(&[0, 4, 8, 20, 51]);
    assert_eq!(bench.counts(), [2, 2, 2, 1, 1]);
    bench.close();
    // A region more before all others, in the middle of a window.
    let list = [(0, 12), (14, 16), (20, 32), (40, 52)];
    bench.kdamond.set_ranges(&ranges(&list)).unwrap();
    bench.tick(&[11, 14, 20, 40]);
    assert_eq!(bench.kdamond.drain_counters().credited, 10);
}

#[test]
fn the_whole_address_space_can_be_watched() {
    // A third of all addresses times nine tenths does not fit 64 bits.
    let all = Range { start: 0, end: !(PAGE - 1) };
    let mut bench = Bench::with(kdamond(attrs(40), vec![all], vec![], OpsId::Paddr, 1).unwrap());
    for _ in 0..20 {
        bench.window(&[(0, 3), (1 << 51, 10)]);
        bench.close();
        let (first, last) = (bench.regions()[0], *bench.regions().last().unwrap());
        assert_eq!((first.start, last.end), (all.start, all.end));
        assert!(bench.regions().windows(2).all(|pair| pair[0].end == pair[1].start));
    }
    assert_eq!(bench.kdamond.drain_counters().credited, 20 * 13);
}
