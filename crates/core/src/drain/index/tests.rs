//! Every kernel against a walk over the regions.

use proptest::prelude::*;

use super::*;

const PAGE: u64 = 4096;
/// A stamp that needs a closer look.
const CLOSER: u64 = 1 << 63 | 100;
const FRESH_FROM: i64 = 50;
const FRESH: u64 = 50;
const STALE: u64 = 49;

/// The obvious way.
#[derive(Default)]
struct Naive {
    folded: Folded,
    /// Which of the reports that no region contains.
    missed: Vec<usize>,
    closer: Vec<usize>,
}

impl Naive {
    fn find(regions: &[Region], address: u64) -> Option<usize> {
        // Ends ascend, so the first region to end behind the address is the only candidate.
        let candidate = regions.partition_point(|region| region.end <= address);
        regions.get(candidate).is_some_and(|r| r.start <= address).then_some(candidate)
    }

    fn credit(regions: &mut [Region], addresses: &[u64], stamps: &[u64], tick: u32) -> Self {
        let mut done = Self::default();
        for (i, (&address, &stamp)) in addresses.iter().zip(stamps).enumerate() {
            if stamp >= 1 << 63 || stamp < FRESH_FROM as u64 {
                done.closer.push(i);
            } else if let Some(region) = Self::find(regions, address) {
                regions[region].credit(1, tick);
                done.folded.credited += 1;
                let count = regions[region].nr_accesses;
                done.folded.largest_count = count.max(done.folded.largest_count);
            } else {
                done.folded.no_region += 1;
                done.missed.push(i);
            }
        }
        done
    }
}

fn folded(credited: u64, no_region: u64, largest_count: u32) -> Folded {
    Folded { credited, no_region, largest_count }
}

/// Regions as (start, end) in pages.
fn regions(pages: impl IntoIterator<Item = (u64, u64)>) -> Vec<Region> {
    pages.into_iter().map(|(start, end)| Region::new(start * PAGE, end * PAGE)).collect()
}

/// So many adjacent regions of one page.
fn adjacent(count: u64) -> Vec<Region> {
    regions((0..count).map(|page| (page, page + 1)))
}

/// All kernels, which are given the same work, and the walk.
struct Contest {
    expected: Vec<Region>,
    rivals: Vec<(Index, Vec<Region>)>,
}

impl Contest {
    fn new(regions: &[Region]) -> Self {
        let rivals = Kernel::available().map(|kernel| {
            let mut index = Index::with_kernel(kernel);
            index.refresh(regions);
            (index, regions.to_vec())
        });
        Self { expected: regions.to_vec(), rivals: rivals.collect() }
    }

    /// The same indexes for other regions.
    fn change(&mut self, regions: &[Region]) {
        self.expected = regions.to_vec();
        for (index, own) in &mut self.rivals {
            index.invalidate();
            index.refresh(regions);
            *own = regions.to_vec();
        }
    }

    fn round(&mut self, addresses: &[u64], stamps: &[u64], tick: u32) {
        let naive = Naive::credit(&mut self.expected, addresses, stamps, tick);
        for (index, regions) in &mut self.rivals {
            let mut closer = Vec::new();
            let words: Vec<_> = addresses.iter().zip(stamps).map(|(&a, &s)| [a, s]).collect();
            // Lanes of all sizes, so that they begin anywhere in a batch.
            let lanes = lanes(words.len());
            for (lane, reports) in lanes.iter().enumerate() {
                index.credit(lane as LaneId, &words[reports.clone()], FRESH_FROM, |i| {
                    closer.push(reports.start + i);
                });
            }
            assert_eq!(closer, naive.closer, "{:?}", index.kernel);
            let folded = index.fold(regions, tick);
            assert_eq!(folded, naive.folded, "{:?}", index.kernel);
            let mut missed = vec![0; lanes.len()];
            index.take_missed().for_each(|(lane, reports)| missed[lane as usize] += reports);
            let before = |end: usize| naive.missed.partition_point(|&i| i < end) as u64;
            let expected: Vec<u64> =
                lanes.iter().map(|lane| before(lane.end) - before(lane.start)).collect();
            assert_eq!(missed, expected, "{:?}", index.kernel);
            assert!(*regions == self.expected, "{:?}: {addresses:x?}", index.kernel);
        }
    }

    fn probe(&mut self, addresses: &[u64]) {
        for (index, regions) in &self.rivals {
            for &address in addresses {
                let expected = Naive::find(regions, address);
                assert_eq!(index.find(address), expected, "{:?} {address:#x}", index.kernel);
            }
        }
        self.round(addresses, &vec![FRESH; addresses.len()], 1);
    }
}

/// Positions of so many reports as lanes hold them: 0, 1, 2, 4, 8 ... of them, and again.
fn lanes(reports: usize) -> Vec<std::ops::Range<usize>> {
    let sizes = [0, 1, 2, 4, 8, 16, 300, 1].into_iter().cycle();
    let mut from = 0;
    let lane = |size: usize| {
        let lane = from..reports.min(from + size);
        from = lane.end;
        lane
    };
    sizes.map(lane).take_while(|lane| lane.start < reports || lane.end < reports).collect()
}

/// What is likely to go wrong.
fn edges(regions: &[Region]) -> Vec<u64> {
    let edges = regions.iter().flat_map(|region| [region.start, region.end]);
    let edges = edges.flat_map(|edge| [edge.wrapping_sub(1), edge, edge + 1]);
    edges.chain([0, 1, u64::MAX - 1, u64::MAX, 1 << 44, (1 << 44) - 1, 1 << 63]).collect()
}

#[test]
fn every_layout_of_eight_pages_is_known_at_every_page_and_off_by_one() {
    const PAGES: u64 = 8;
    let base = 3;
    let probes: Vec<u64> = (0..base + PAGES + 2)
        .flat_map(|page| [(page * PAGE).wrapping_sub(1), page * PAGE, page * PAGE + 1])
        .collect();
    let mut contest = Contest::new(&[]);
    // Which pages are of a region, and at which page bounds a region ends in any case.
    for pages in 0..1u64 << PAGES {
        for cuts in 0..1u64 << (PAGES - 1) {
            let mut layout: Vec<(u64, u64)> = Vec::new();
            for page in (0..PAGES).filter(|page| pages >> page & 1 == 1) {
                match layout.last_mut() {
                    Some(last) if last.1 == base + page && cuts << 1 >> page & 1 == 0 => {
                        last.1 += 1;
                    }
                    _ => layout.push((base + page, base + page + 1)),
                }
            }
            contest.change(&regions(layout));
            contest.probe(&probes);
        }
    }
}

#[test]
fn no_regions_contain_nothing() {
    Contest::new(&[]).probe(&edges(&[]));
    let mut index = Index::default();
    index.credit(0, &[[0, FRESH], [5, FRESH]], FRESH_FROM, |_| unreachable!());
    assert_eq!(index.fold(&mut [], 1), folded(0, 2, 0));
}

#[test]
fn the_ends_of_the_address_space_are_addresses_like_any_other() {
    let top = u64::MAX / PAGE;
    for layout in [
        vec![(0, 1)],
        vec![(5, 6)],
        vec![(0, 1), (top - 1, top)],
        vec![(0, top)],
        vec![(top - 1, top)],
        vec![(top - 9, top - 3), (top - 2, top)],
        vec![(0, top / 2), (top / 2, top)],
    ] {
        let regions = regions(layout);
        Contest::new(&regions).probe(&edges(&regions));
    }
}

#[test]
fn spans_around_the_limit_of_keys_are_all_the_same() {
    let limit = u64::from(u32::MAX);
    for base in [0, 7, 1 << 40] {
        for span in limit - 3..limit + 4 {
            let end = base + span;
            let regions = regions([
                (base, base + 1),
                (base + 5, base + (1 << 31)),
                (base + (1 << 31), end - 3),
                (end - 2, end),
            ]);
            let mut probes = edges(&regions);
            probes.extend((end - 6..end + 6).map(|page| page * PAGE));
            let mut contest = Contest::new(&regions);
            contest.probe(&probes);
            for (index, _) in &contest.rivals {
                let wide = index.kernel == Kernel::Reference || span >= limit;
                assert_eq!(index.wide_search.is_some(), wide, "{:?} {span}", index.kernel);
            }
        }
    }
}

#[test]
fn slot_counts_around_the_sizes_of_layers_and_banks_are_all_the_same() {
    let mut contest = Contest::new(&[]);
    let sizes = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17].map(|bits| 1u64 << bits);
    for size in sizes.into_iter().chain([3 << 2, 3 << 4, 3 << 8, 5 << 9]) {
        // Adjacent regions take one slot more than they are.
        for count in size - 3..size + 3 {
            let regions = adjacent(count);
            contest.change(&regions);
            // Odd: comes by every region that a step of a search may mistake for another.
            let some = (0..count).step_by((count as usize / 500) | 1);
            let mut probes: Vec<u64> = some.map(|page| page * PAGE + 7).collect();
            probes.extend(edges(&regions[..1]));
            probes.extend(edges(&regions[regions.len() - 1..]));
            contest.probe(&probes);
        }
    }
}

#[test]
fn gaps_between_many_regions_are_found() {
    for count in [20, 200, 300, 2_100, 20_000] {
        // Every region followed by a gap; every seventh; all at the end.
        for gap in [|_| true, |i: u64| i.is_multiple_of(7), |i: u64| i > 15] {
            let mut page = 11;
            let layout = (0..count).map(|i| {
                let start = page;
                page += 2 + u64::from(gap(i));
                (start, start + 2)
            });
            let regions = regions(layout);
            let mut contest = Contest::new(&regions);
            contest.probe(&edges(&regions));
            for (index, _) in &contest.rivals {
                for region in 0..regions.len() {
                    let slot = index.slots.slot(region);
                    assert_eq!(index.slots.region(slot), Some(region));
                }
            }
        }
    }
}

#[test]
fn batches_of_every_length_leave_the_closer_look_what_is_its() {
    let regions = regions([(1, 2), (2, 5), (7, 8)]);
    let mut contest = Contest::new(&regions);
    for len in 0..=40u64 {
        let addresses: Vec<u64> = (0..len).map(|i| i * 5 % 9 * PAGE + i).collect();
        for other in [STALE, 0, CLOSER, u64::MAX] {
            for position in 0..=len as usize {
                // One such report in a batch, then all from there on, then all but that one.
                for pattern in 0..3 {
                    let stamps: Vec<u64> = (0..len as usize)
                        .map(|i| match pattern {
                            0 if i == position => other,
                            1 if i >= position => other,
                            2 if i != position => other,
                            _ => FRESH + i as u64,
                        })
                        .collect();
                    contest.round(&addresses, &stamps, 1);
                }
            }
        }
    }
}

#[test]
fn credits_wait_for_the_fold_however_many_calls_brought_them() {
    for count in [3, 1_000, 10_000] {
        let mut regions = adjacent(count);
        for kernel in Kernel::available() {
            let mut index = Index::with_kernel(kernel);
            index.refresh(&regions);
            for call in 0..200 {
                let addresses = [call % count * PAGE; 13];
                index.credit(
                    0,
                    &addresses.map(|address| [address, FRESH]),
                    FRESH_FROM,
                    |_| unreachable!(),
                );
            }
            for region in &mut regions {
                region.hits = 0;
            }
            assert_eq!(index.fold(&mut regions, 1), folded(2_600, 0, 1), "{kernel:?}");
            let hits = |region: usize| (region as u64..200).step_by(count as usize).count() * 13;
            for (i, region) in regions.iter().enumerate() {
                assert_eq!(region.hits, hits(i) as u64, "{kernel:?} {i}");
            }
            assert_eq!(index.fold(&mut regions, 2), Folded::default(), "nothing is folded twice");
        }
    }
}

#[test]
fn one_report_more_counts_like_the_others() {
    for (pages, count) in [(vec![(0, 1), (3, 4), (4, 5)], 3), (Vec::new(), 9_000)] {
        let mut regions = if pages.is_empty() { adjacent(count) } else { regions(pages) };
        for kernel in Kernel::available() {
            let mut index = Index::with_kernel(kernel);
            index.refresh(&regions);
            let before = regions.clone();
            for region in [1, 2, 2] {
                index.credit_one(region);
            }
            index.credit(0, &[[4 * PAGE, FRESH]], FRESH_FROM, |_| unreachable!());
            assert_eq!(index.fold(&mut regions, 9), folded(4, 0, 1), "{kernel:?}");
            let gained = |i: usize| regions[i].hits - before[i].hits;
            let in_page_4 = if count == 3 { 2 } else { 4 };
            assert_eq!((gained(0), gained(1)), (0, 1), "{kernel:?}");
            assert_eq!(gained(in_page_4), if count == 3 { 3 } else { 1 }, "{kernel:?}");
        }
    }
}

#[test]
fn a_tick_counts_once_however_often_it_is_folded() {
    for count in [2, 1_000, 100_000] {
        let mut contest = Contest::new(&adjacent(count));
        let addresses = [PAGE, PAGE, 0, (count - 1) * PAGE];
        for tick in [1, 1, 2, 2, 2, 3] {
            contest.round(&addresses, &[FRESH; 4], tick);
        }
        for (_, regions) in &contest.rivals {
            assert_eq!((regions[0].nr_accesses, regions[0].hits > 5), (3, true));
        }
    }
}

#[test]
fn what_was_not_folded_is_forgotten_by_a_change() {
    for count in [3, 1_000, 10_000] {
        let mut regions = adjacent(count);
        for kernel in Kernel::available() {
            let mut index = Index::with_kernel(kernel);
            index.refresh(&regions);
            index.credit_one(2);
            index.credit(0, &[[0, FRESH]; 600], FRESH_FROM, |_| unreachable!());
            index.invalidate();
            index.refresh(&regions);
            assert_eq!(index.fold(&mut regions, 1), Folded::default(), "{kernel:?}");
        }
    }
}

#[test]
fn gaps_of_the_regions_before_are_forgotten() {
    let mut contest = Contest::new(&regions((0..100).map(|i| (2 * i, 2 * i + 1))));
    contest.change(&adjacent(150));
    // Some are missed, so that each is looked at.
    let addresses: Vec<u64> = (0..160).map(|page| page * PAGE).collect();
    contest.round(&addresses, &[FRESH; 160], 1);
}

#[test]
fn an_index_that_is_up_to_date_is_not_built_again() {
    let mut index = Index::default();
    index.refresh(&adjacent(3));
    index.refresh(&adjacent(1));
    assert_eq!(index.find(2 * PAGE), Some(2));
    index.invalidate();
    index.refresh(&adjacent(1));
    assert_eq!(index.find(2 * PAGE), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_report_counts_where_a_walk_finds_it(
        // Gaps and sizes in pages; from even to very uneven, dense to sparse.
        parts in prop::collection::vec(
            (prop_oneof![4 => Just(0u64), 1 => 0..3u64, 1 => 0..1u64 << 18],
             prop_oneof![1..3u64, 1..1u64 << 16]),
            1..5_000,
        ),
        base in prop_oneof![Just(0u64), 0..1u64 << 40],
        // Now and then too much for keys.
        shift in prop_oneof![3 => Just(0), 1 => Just(14)],
        probes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u64>(), prop_oneof![
                8 => Just(FRESH), 1 => Just(STALE), 1 => Just(CLOSER), 1 => any::<u64>(),
            ]),
            0..2_000,
        ),
    ) {
        let mut at = base;
        let regions = regions(parts.into_iter().map(|(gap, size)| {
            let start = at + (gap << shift);
            at = start + (size << shift);
            (start, at)
        }));
        let (addresses, stamps): (Vec<u64>, Vec<u64>) = probes
            .iter()
            .map(|(which, offset, stamp)| {
                let region = which.get(&regions);
                (region.start + offset % (2 * region.size()), *stamp)
            })
            .unzip();
        let mut contest = Contest::new(&regions);
        contest.round(&addresses, &stamps, 1);
        contest.probe(&addresses);
        contest.round(&edges(&regions), &vec![FRESH; 6 * regions.len() + 7], 2);
    }
}

#[test]
fn what_no_region_contains_is_known_by_lane_with_few_gaps_and_many_near_and_far() {
    for gaps in [2, 63, 64, 65, 1_000] {
        for far in [0, 1 << 45] {
            // [0 1) gap [2 3) gap ...; the last one far away.
            let near = (0..gaps - 1).map(|i| (2 * i, 2 * i + 1));
            let last = (2 * gaps + far / PAGE, 2 * gaps + far / PAGE + 1);
            let mut contest = Contest::new(&regions(near.chain([last])));
            let addresses: Vec<u64> =
                (0..2_000).map(|i| i * 7_919 % (2 * gaps + 3) * PAGE + i % 2 * far).collect();
            let stamps: Vec<u64> = (0..2_000).map(|i| [FRESH, FRESH, STALE][i % 3]).collect();
            contest.round(&addresses, &stamps, 1);
            contest.round(&addresses, &stamps, 2);
        }
    }
}
