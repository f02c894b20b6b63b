//! What an LRU store of so many entries holds, by Che's approximation (Che, Tung, Wang 2002): an
//! entry stays for a characteristic time after each visit, the same for all. TLBs and caches alike.

/// Entries that are visited alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Visited {
    /// How many.
    pub(crate) entries: f64,
    /// Visits to one of them, per visit to any.
    pub(crate) rate: f64,
}

/// How long an entry stays, in visits to any: infinite when all entries fit.
pub(crate) fn characteristic_time(groups: &[Visited], capacity: f64) -> f64 {
    let held = |time: f64| -> f64 {
        groups.iter().map(|group| group.entries * -(-group.rate * time).exp_m1()).sum()
    };
    let visited = groups.iter().filter(|group| group.rate > 0.0);
    if visited.map(|group| group.entries).sum::<f64>() <= capacity {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, capacity.max(1.0));
    while held(high) < capacity && high < 1e300 {
        low = high;
        high *= 4.0;
    }
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if held(middle) < capacity { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Halvings after which four times the first guess is known to 1e-9 of itself.
const BISECTIONS: u32 = 32;

/// Share of visits that find their entry, of which it is evicted at random at `eviction_rate` as
/// well: a visit comes within the characteristic time and before an eviction.
pub(crate) fn hit_share(rate: f64, time: f64, eviction_rate: f64) -> f64 {
    let either = rate + eviction_rate;
    if either <= 0.0 {
        return 0.0;
    }
    // Of an infinite time, the exponential is 0.
    rate / either * -(-either * time).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_stays_by_its_heat() {
        let all = [Visited { entries: 100.0, rate: 0.01 }];
        assert!(characteristic_time(&all, 100.0).is_infinite());
        assert_eq!(hit_share(0.01, f64::INFINITY, 0.0), 1.0);
        assert_eq!(hit_share(0.0, f64::INFINITY, 0.0), 0.0);
        // Alike: a store for half of them hits half the time.
        let time = characteristic_time(&all, 50.0);
        assert!((hit_share(0.01, time, 0.0) - 0.5).abs() < 1e-6);
        // 10 hot entries with 90 % of visits, 1000 cold ones, room for 100.
        let mixed =
            [Visited { entries: 10.0, rate: 0.09 }, Visited { entries: 1000.0, rate: 0.0001 }];
        let time = characteristic_time(&mixed, 100.0);
        let [hot, cold] = mixed.map(|group| hit_share(group.rate, time, 0.0));
        assert!(hot > 0.999_9 && (0.085..0.095).contains(&cold), "{hot} {cold}");
        let held: f64 =
            mixed.iter().map(|group| group.entries * hit_share(group.rate, time, 0.0)).sum();
        assert!((held - 100.0).abs() < 1e-3);
    }

    #[test]
    fn random_evictions_take_from_the_rarely_visited_first() {
        let rates = [1.0, 0.1, 0.01].map(|rate| hit_share(rate, f64::INFINITY, 0.1));
        assert!((rates[0] - 1.0 / 1.1).abs() < 1e-12 && (rates[1] - 0.5).abs() < 1e-12);
        assert!((rates[2] - 0.1 / 1.1).abs() < 1e-12);
    }
}
