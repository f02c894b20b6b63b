//! A pattern made ready: its heat classes, and which page is in which.
//!
//! Pages that a pattern touches alike are one class, so that whatever depends on heat costs as much
//! as there are classes, not pages. Zipf ranks are put into at most 64 classes, each 1/64 of the
//! ranks' logarithm wide; within one, all are taken to be alike (the first ranks have a class each).

use rand_core::Rng;

use super::permutation::Permutation;
use super::{Line, Pattern};
use crate::PAGE_SZ;

/// A pattern over the pages of an area, which are numbered from 0 here.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pages: u32,
    order: Order,
    /// Pages and share of accesses of each class.
    classes: Vec<Class>,
    /// Per class: 32 random bits below it choose the class, or one before.
    thresholds: Vec<u64>,
}

/// Pages that are touched alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Class {
    pub(crate) pages: u32,
    /// Share of the pattern's accesses.
    pub(crate) share: f64,
    /// Whether this is what one would call the hot part.
    pub(crate) hot: bool,
}

#[derive(Clone, Debug)]
enum Order {
    /// The first class is `hot` pages from `offset` on, the second the rest; both go round.
    Window { offset: u32, hot: u32 },
    /// The first rank of each class; ranks are pages, or are shuffled among them.
    Ranks { starts: Vec<u32>, shuffle: Option<Permutation> },
}

const ZIPF_CLASSES_MAX: u32 = 64;

impl Shape {
    /// The line was checked.
    pub(crate) fn new(line: &Line, pages: u32, seed: u64) -> Self {
        match line.pattern {
            Pattern::HotSet { hot_bytes, hot_share, offset_bytes, .. } => {
                Self::window(pages, (hot_bytes / PAGE_SZ) as u32, hot_share, offset_bytes)
            }
            Pattern::Zipf { theta, scattered } => {
                Self::zipf(pages, theta, scattered.then(|| Permutation::new(pages, seed)))
            }
            Pattern::Uniform | Pattern::Stream { .. } | Pattern::Chase | Pattern::Gups => {
                Self::window(pages, pages, 1.0, 0)
            }
        }
    }

    fn window(pages: u32, hot: u32, hot_share: f64, offset_bytes: u64) -> Self {
        let mut classes = vec![Class { pages: hot, share: hot_share, hot: true }];
        if hot < pages {
            classes.push(Class { pages: pages - hot, share: 1.0 - hot_share, hot: false });
        }
        let offset = ((offset_bytes / PAGE_SZ) % u64::from(pages)) as u32;
        Self::of(pages, Order::Window { offset, hot }, classes)
    }

    fn zipf(pages: u32, theta: f64, shuffle: Option<Permutation>) -> Self {
        let mut starts = vec![0];
        let mut sums = Vec::new();
        let step = f64::from(pages).ln() / f64::from(ZIPF_CLASSES_MAX);
        let mut start = 0;
        for class in 1..=ZIPF_CLASSES_MAX {
            let end = ((step * f64::from(class)).exp().round() as u32).clamp(start + 1, pages);
            let end = if class == ZIPF_CLASSES_MAX { pages } else { end };
            sums.push(zeta(start, end, theta));
            if end == pages {
                break;
            }
            starts.push(end);
            start = end;
        }
        let total: f64 = sums.iter().sum();
        let mean = total / f64::from(pages);
        let ends = starts.iter().skip(1).copied().chain([pages]);
        let classes = starts.iter().zip(ends).zip(&sums).map(|((&start, end), &sum)| {
            let pages = end - start;
            Class { pages, share: sum / total, hot: sum > mean * f64::from(pages) || total == sum }
        });
        let classes = classes.collect();
        Self::of(pages, Order::Ranks { starts, shuffle }, classes)
    }

    fn of(pages: u32, order: Order, classes: Vec<Class>) -> Self {
        let mut sum = 0.0;
        let thresholds = classes.iter().map(|class| {
            sum += class.share;
            (sum * 4_294_967_296.0).ceil() as u64
        });
        let thresholds = thresholds.collect();
        Self { pages, order, classes, thresholds }
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The page of one access, and its class, that random bits choose.
    pub(crate) fn place(&self, random: u64) -> (u32, usize) {
        let (place, choice) = (random >> 32, random & 0xFFFF_FFFF);
        let last = self.classes.len() - 1;
        let class = self.thresholds[..last].partition_point(|&threshold| threshold <= choice);
        let member = (place * u64::from(self.classes[class].pages)) >> 32;
        (self.member(class, member as u32), class)
    }

    /// Draws a page of a class.
    pub(crate) fn draw_member(&self, class: usize, random: &mut impl Rng) -> u32 {
        let place = random.next_u64() >> 32;
        self.member(class, ((place * u64::from(self.classes[class].pages)) >> 32) as u32)
    }

    fn member(&self, class: usize, member: u32) -> u32 {
        match &self.order {
            Order::Window { offset, hot } => {
                let first = if class == 0 { *offset } else { self.wrap(*offset, *hot) };
                self.wrap(first, member)
            }
            Order::Ranks { starts, shuffle } => {
                let rank = starts[class] + member;
                shuffle.map_or(rank, |shuffle| shuffle.forward(rank))
            }
        }
    }

    /// The class of a page.
    pub(crate) fn class_of(&self, page: u32) -> usize {
        match &self.order {
            Order::Window { offset, hot } => {
                let from = page.wrapping_sub(*offset);
                let from = if page < *offset { from.wrapping_add(self.pages) } else { from };
                usize::from(from >= *hot)
            }
            Order::Ranks { starts, shuffle } => {
                let rank = shuffle.map_or(page, |shuffle| shuffle.backward(page));
                starts.partition_point(|&start| start <= rank) - 1
            }
        }
    }

    /// Moves a hot set on by one page: says which page is hot no longer, and which is now.
    pub(crate) fn drift(&mut self) -> Option<(u32, u32)> {
        let Order::Window { offset, hot } = self.order else { return None };
        if hot == self.pages {
            return None;
        }
        let next = self.wrap(offset, 1);
        self.order = Order::Window { offset: next, hot };
        Some((offset, self.wrap(offset, hot)))
    }

    fn wrap(&self, page: u32, by: u32) -> u32 {
        let sum = u64::from(page) + u64::from(by);
        let pages = u64::from(self.pages);
        (if sum >= pages { sum - pages } else { sum }) as u32
    }
}

/// The sum of `(r + 1)^-theta` over the ranks `start..end`: exactly where there are few, else by
/// Euler and Maclaurin, whose next term is below 1e-6 of the sum.
fn zeta(start: u32, end: u32, theta: f64) -> f64 {
    let term = |x: f64| x.powf(-theta);
    if end - start <= 64 {
        return (start..end).map(|rank| term(f64::from(rank) + 1.0)).sum();
    }
    let (a, b) = (f64::from(start) + 1.0, f64::from(end));
    let integral = if (theta - 1.0).abs() < 1e-9 {
        (b / a).ln()
    } else {
        (b.powf(1.0 - theta) - a.powf(1.0 - theta)) / (1.0 - theta)
    };
    let slopes = -theta * (b.powf(-theta - 1.0) - a.powf(-theta - 1.0));
    integral + (term(a) + term(b)) / 2.0 + slopes / 12.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    fn counts(shape: &Shape, draws: u32) -> Vec<u32> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut counts = vec![0; shape.pages as usize];
        for _ in 0..draws {
            let (page, class) = shape.place(random.next_u64());
            assert_eq!(shape.class_of(page), class);
            counts[page as usize] += 1;
        }
        counts
    }

    #[test]
    fn hot_pages_get_their_share_evenly_and_go_round() {
        // 80 pages from 950 on: [950, 1000) and [0, 30).
        let counts = counts(&Shape::window(1000, 80, 0.9, 950 * PAGE_SZ), 1_000_000);
        let hot = |page: usize| !(30..950).contains(&page);
        let sum: u32 = (0..1000).filter(|&page| hot(page)).map(|page| counts[page]).sum();
        assert!((899_000..901_000).contains(&sum), "{sum}");
        for (page, count) in counts.iter().enumerate() {
            let range = if hot(page) { 10_500..12_000 } else { 50..180 };
            assert!(range.contains(count), "{page}: {count}");
        }
    }

    #[test]
    fn zipf_ranks_get_their_shares() {
        for shuffle in [None, Some(Permutation::new(10_000, 3))] {
            let shape = Shape::zipf(10_000, YCSB, shuffle);
            assert!((30..=64).contains(&shape.classes.len()));
            assert_eq!(shape.classes.iter().map(|class| class.pages).sum::<u32>(), 10_000);
            let counts = counts(&shape, 1_000_000);
            let page = |rank: u32| shuffle.map_or(rank, |shuffle| shuffle.forward(rank)) as usize;
            let total: f64 = (1..=10_000).map(|rank| f64::from(rank).powf(-YCSB)).sum();
            for rank in [0, 1, 2, 5] {
                let expected = 1e6 * f64::from(rank + 1).powf(-YCSB) / total;
                let seen = f64::from(counts[page(rank)]);
                assert!((seen / expected - 1.0).abs() < 0.03, "{rank}: {seen} {expected}");
            }
            let tail: u32 = (5_000..10_000).map(|rank| counts[page(rank)]).sum();
            let expected: f64 = (5_001..=10_000).map(|rank| f64::from(rank).powf(-YCSB)).sum();
            assert!((f64::from(tail) / (1e6 * expected / total) - 1.0).abs() < 0.1);
        }
    }

    const YCSB: f64 = super::super::YCSB_THETA;

    #[test]
    fn sums_of_powers_are_those_of_the_plain_loop() {
        for theta in [0.0, 0.5, 0.99, 1.0, 1.5] {
            for (start, end) in [(0, 10), (0, 5_000), (60, 400), (1_000, 9_000)] {
                let plain: f64 =
                    (start..end).map(|rank| (f64::from(rank) + 1.0).powf(-theta)).sum();
                // From rank 0 on, the first terms are what the approximation is worst at.
                let tolerance = if start == 0 { 2e-2 } else { 1e-6 };
                assert!((zeta(start, end, theta) / plain - 1.0).abs() < tolerance, "{theta}");
            }
        }
    }

    #[test]
    fn a_hot_set_drifts_page_by_page_and_goes_round() {
        let mut shape = Shape::window(10, 3, 0.9, 7 * PAGE_SZ);
        assert_eq!(shape.drift(), Some((7, 0)));
        assert_eq!(shape.drift(), Some((8, 1)));
        let hot: Vec<_> = (0..10).filter(|&page| shape.class_of(page) == 0).collect();
        assert_eq!(hot, [0, 1, 9]);
        assert_eq!(Shape::window(10, 10, 1.0, 0).drift(), None);
    }
}
