//! A hot set: some pages get most accesses, all of them alike; the others get the rest.

use rand_core::Rng;

/// A process with `pages` pages of which the first `hot_pages` are hot.
///
/// The RFC's "32 GB hot set" is `pages == hot_pages`: every page is touched alike, as multichase's
/// `multiload` does.
#[derive(Clone, Debug, PartialEq)]
pub struct HotSet {
    /// Pages of 4 KiB.
    pub pages: u32,
    /// How many of them are hot, from the first on. At least 1.
    pub hot_pages: u32,
    /// Share of accesses that go to the hot pages, 0..=1.
    pub hot_share: f64,
    /// Share of accesses that are stores, 0..=1.
    pub store_share: f64,
    /// Its process id.
    pub tgid: u32,
}

impl HotSet {
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        if self.hot_pages == 0 || self.hot_pages > self.pages {
            return Err("hot bytes must be from one page to all bytes");
        }
        if !is_share(self.hot_share) || !is_share(self.store_share) {
            return Err("shares must lie in 0..=1");
        }
        if self.hot_pages == self.pages && self.hot_share < 1.0 {
            return Err("with no cold pages the hot share must be 1");
        }
        Ok(())
    }

    /// Whether a page is hot.
    pub fn is_hot(&self, page: u32) -> bool {
        page < self.hot_pages
    }

    /// Draws the page of one access. One or two draws of 64 bits.
    pub fn page(&self, random: &mut impl Rng) -> u32 {
        let draw = random.next_u64();
        let (place, choice) = (draw >> 32, draw as u32);
        let scaled = |pages: u32| ((place * u64::from(pages)) >> 32) as u32;
        if self.hot_pages == self.pages || f64::from(choice) < self.hot_share * 4_294_967_296.0 {
            scaled(self.hot_pages)
        } else {
            self.hot_pages + scaled(self.pages - self.hot_pages)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn hot_pages_get_their_share_evenly() {
        let set = HotSet { pages: 1000, hot_pages: 100, hot_share: 0.9, store_share: 0.0, tgid: 1 };
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut counts = vec![0u32; 1000];
        for _ in 0..1_000_000 {
            counts[set.page(&mut random) as usize] += 1;
        }
        let hot: u32 = counts[..100].iter().sum();
        assert!((899_000..901_000).contains(&hot), "{hot}");
        assert!(counts[..100].iter().all(|count| (8_500..9_500).contains(count)));
        assert!(counts[100..].iter().all(|count| (50..180).contains(count)));
    }
}
