//! One monitor of one physical target, done the slow and obvious way from `damon-core.md` 2.2, 3.2,
//! 4 and 5: lists that are searched from the front, one region taken out and put in at a time, no
//! state that could be derived. Nothing here is shared with the engine but its configuration.

use damon_core::ops::Applied;
use damon_core::region::Range;
use damon_core::scheme::{CoreFilter, CoreFilterKind, SchemeConfig, SchemeStats};
use damon_core::{Action, Attrs};

const PAGE: u64 = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) nr_accesses: u32,
    pub(crate) last_nr_accesses: u32,
    pub(crate) age: u32,
    pub(crate) hits: u64,
}

impl Piece {
    fn size(&self) -> u64 {
        self.end - self.start
    }
}

/// What became of a region that a scheme came to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    QuotaFull,
    ServedBefore,
    SnapshotsDone,
    NoMatch,
    LowScore,
    Filtered,
    Tried,
}

/// A scheme and what there is to remember of it.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) config: SchemeConfig,
    pub(crate) stats: SchemeStats,
    /// By fate: how many regions there were, and their bytes.
    pub(crate) fates: [(u64, u64); 7],
    pub(crate) effective: u64,
    pub(crate) charged: u64,
    pub(crate) total_charged: u64,
    pub(crate) total_charged_ns: u64,
    window_began_ns: Option<u64>,
    resume_at: Option<u64>,
    min_score: u64,
    next_apply: u64,
}

impl Scheme {
    fn is_limited(&self) -> bool {
        let quota = &self.config.quota;
        let asked = quota.sz_bytes != 0 || quota.time_ms != 0 || !quota.goals.is_empty();
        asked || self.effective != 0
    }

    fn is_full(&self) -> bool {
        self.is_limited() && self.charged + PAGE > self.effective
    }

    /// `damon-core.md` 5.4.
    fn compute_effective(&mut self, verdict: Option<u64>) {
        let quota = &self.config.quota;
        if quota.time_ms == 0 && quota.goals.is_empty() {
            self.effective = quota.sz_bytes;
            return;
        }
        let mut limits = Vec::new();
        if !quota.goals.is_empty() {
            // A tuner that says nothing leaves the window as it was.
            let Some(bytes) = verdict else { return };
            limits.push(bytes);
        }
        if quota.time_ms != 0 {
            let per_ms = match self.total_charged_ns {
                0 => 4096 * 1024,
                ns => (u128::from(self.total_charged) * 1_000_000 / u128::from(ns)) as u64,
            };
            limits.push((per_ms * quota.time_ms).max(PAGE));
        }
        if quota.sz_bytes != 0 {
            limits.push(quota.sz_bytes);
        }
        self.effective = limits.into_iter().min().unwrap_or(0);
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    attrs: Attrs,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) schemes: Vec<Scheme>,
    /// What was done to memory, in order.
    pub(crate) applied: Vec<(Action, Range)>,
    effect: fn(u64) -> Applied,
    words: [u32; 4],
    tick: u64,
    next_aggregation: u64,
    size_limit: u64,
    last_number: u64,
    rotation: u64,
}

impl Naive {
    pub(crate) fn new(
        attrs: Attrs,
        ranges: &[Range],
        schemes: Vec<SchemeConfig>,
        seed: u64,
        effect: fn(u64) -> Applied,
    ) -> Self {
        let fold = ((seed >> 32) ^ (seed << 10) ^ seed) as u32;
        let lift = |least: u32| if fold < least { fold + least } else { fold };
        let fresh = |range: &Range| Piece {
            start: range.start,
            end: range.end,
            nr_accesses: 0,
            last_nr_accesses: 0,
            age: 0,
            hits: 0,
        };
        let scheme = |config: SchemeConfig| Scheme {
            next_apply: apply_ticks(&config, &attrs),
            config,
            stats: SchemeStats::default(),
            fates: Default::default(),
            effective: 0,
            charged: 0,
            total_charged: 0,
            total_charged_ns: 0,
            window_began_ns: None,
            resume_at: None,
            min_score: 0,
        };
        let mut naive = Self {
            attrs,
            pieces: ranges.iter().map(fresh).collect(),
            schemes: schemes.into_iter().map(scheme).collect(),
            applied: Vec::new(),
            effect,
            words: [lift(2), lift(8), lift(16), lift(128)],
            tick: 0,
            next_aggregation: attrs.aggregation_us / attrs.sample_us,
            size_limit: u64::MAX,
            last_number: 0,
            rotation: 0,
        };
        naive.cap_sizes();
        naive
    }

    pub(crate) fn at_aggregation(&self) -> bool {
        self.tick >= self.next_aggregation
    }

    /// Steps 5 to 8 of a tick; reports are addresses and sizes.
    pub(crate) fn observe(&mut self, reports: &[(u64, u32)]) {
        for piece in &mut self.pieces {
            let inside = |&&(address, size): &&(u64, u32)| {
                piece.start <= address && address + u64::from(size) <= piece.end
            };
            let seen = reports.iter().filter(inside).count() as u64;
            piece.hits += seen;
            piece.nr_accesses += u32::from(seen > 0);
        }
        self.tick += 1;
        if self.at_aggregation() {
            self.merge_until_few();
            self.cap_sizes();
        }
    }

    /// Step 11; `verdicts` are what tuners say, by scheme.
    pub(crate) fn apply(&mut self, now_ns: u64, verdicts: &[Option<u64>]) {
        let due: Vec<usize> =
            (0..self.schemes.len()).filter(|&i| self.tick >= self.schemes[i].next_apply).collect();
        let join_limit = self.limit();
        for &i in &due {
            self.open_window(i, now_ns, verdicts[i]);
        }
        for &i in &due {
            if self.schemes[i].is_limited() && !self.schemes[i].is_full() {
                self.set_min_score(i);
            }
        }
        let mut at = 0;
        while !due.is_empty() && at < self.pieces.len() {
            for &i in &due {
                self.offer(i, at);
            }
            if at > 0 && self.are_alike(at - 1, join_limit) {
                let piece = self.pieces.remove(at);
                self.pieces[at - 1].end = piece.end;
                self.pieces[at - 1].hits += piece.hits;
            } else {
                at += 1;
            }
        }
        for i in due {
            let ticks = apply_ticks(&self.schemes[i].config, &self.attrs);
            self.schemes[i].next_apply = self.tick + ticks;
        }
    }

    /// Step 12.
    pub(crate) fn close(&mut self) {
        if !self.at_aggregation() {
            return;
        }
        self.next_aggregation += self.attrs.aggregation_us / self.attrs.sample_us;
        for piece in &mut self.pieces {
            piece.last_nr_accesses = piece.nr_accesses;
            piece.nr_accesses = 0;
        }
        self.split();
    }

    fn draw(&mut self) -> u32 {
        let [a, b, c, d] = self.words;
        self.words = [
            ((a & 0xFFFF_FFFE) << 18) ^ (((a << 6) ^ a) >> 13),
            ((b & 0xFFFF_FFF8) << 2) ^ (((b << 2) ^ b) >> 27),
            ((c & 0xFFFF_FFF0) << 7) ^ (((c << 13) ^ c) >> 21),
            ((d & 0xFFFF_FF80) << 13) ^ (((d << 3) ^ d) >> 12),
        ];
        self.words.iter().fold(0, |all, word| all ^ word)
    }

    /// Of all memory: `damon-core.md` 4.3, unaligned.
    fn limit(&self) -> u64 {
        let total: u64 = self.pieces.iter().map(Piece::size).sum();
        (total / self.attrs.min_nr_regions).max(PAGE)
    }

    /// Cuts a piece at so many bytes from its start. `damon-core.md` 4.5.
    fn cut(&mut self, at: usize, size: u64) {
        let whole = self.pieces[at];
        let left_hits =
            (u128::from(whole.hits) * u128::from(size) / u128::from(whole.size())) as u64;
        let middle = whole.start + size;
        self.pieces[at] = Piece { end: middle, hits: left_hits, ..whole };
        self.pieces.insert(at + 1, Piece { start: middle, hits: whole.hits - left_hits, ..whole });
    }

    fn cap_sizes(&mut self) {
        self.size_limit = self.limit().next_multiple_of(PAGE);
        let mut at = 0;
        while at < self.pieces.len() {
            if self.pieces[at].size() > self.size_limit {
                self.cut(at, self.size_limit);
            }
            at += 1;
        }
    }

    /// `damon-core.md` 4.2.
    fn merge_until_few(&mut self) {
        let samples = (self.attrs.aggregation_us / self.attrs.sample_us) as u32;
        let most = self.pieces.iter().map(|piece| piece.nr_accesses).max();
        let mut threshold = most.unwrap_or(0) / 10;
        for piece in &mut self.pieces {
            let (now, last) = (piece.nr_accesses, piece.last_nr_accesses);
            let alike = now.abs_diff(last) <= threshold && (now == 0) == (last == 0);
            piece.age = if alike { piece.age + 1 } else { 0 };
        }
        loop {
            self.merge(threshold);
            if self.pieces.len() as u64 <= self.attrs.max_nr_regions || samples <= threshold {
                return;
            }
            threshold = if threshold < samples / 2 { (2 * threshold).max(1) } else { samples };
        }
    }

    fn merge(&mut self, threshold: u32) {
        let mut at = 1;
        while at < self.pieces.len() {
            let (left, right) = (self.pieces[at - 1], self.pieces[at]);
            let joins = left.end == right.start
                && left.nr_accesses.abs_diff(right.nr_accesses) <= threshold
                && left.size() + right.size() <= self.size_limit;
            if !joins {
                at += 1;
                continue;
            }
            let mean = |l: u32, r: u32| {
                let sum = u64::from(l) * left.size() + u64::from(r) * right.size();
                (sum / (left.size() + right.size())) as u32
            };
            self.pieces[at - 1] = Piece {
                end: right.end,
                nr_accesses: mean(left.nr_accesses, right.nr_accesses),
                age: mean(left.age, right.age),
                hits: left.hits + right.hits,
                ..left
            };
            self.pieces.remove(at);
        }
    }

    /// `damon-core.md` 4.4.
    fn split(&mut self) {
        let (number, most) = (self.pieces.len() as u64, self.attrs.max_nr_regions);
        if number < most && number > most / 2 {
            let step = most / (most - number);
            let offset = self.rotation % step;
            self.rotation += 1;
            // From the back places would stay, but draws are made from the front.
            let mut at = 0;
            for index in 0..number {
                let chosen = index % step == offset && self.pieces[at].size() >= 2 * PAGE;
                at += 1 + usize::from(chosen && self.cut_anywhere(at));
            }
        } else if number < most {
            let settled = self.last_number == number && number < most / 3;
            let mut at = 0;
            for _ in 0..number {
                let mut parts = 1;
                for _ in 0..if settled { 2 } else { 1 } {
                    let large = self.pieces[at].size() > 2 * PAGE;
                    parts += usize::from(large && self.cut_anywhere(at));
                }
                at += parts;
            }
        }
        self.last_number = number;
    }

    fn cut_anywhere(&mut self, at: usize) -> bool {
        let tenths = 1 + ((u64::from(self.draw()) * 9) >> 32);
        let whole = self.pieces[at].size();
        let size = tenths * whole / 10 / PAGE * PAGE;
        let cuts = 0 < size && size < whole;
        if cuts {
            self.cut(at, size);
        }
        cuts
    }

    fn moving(&self, piece: &Piece) -> u32 {
        let window = self.attrs.aggregation_us / self.attrs.sample_us;
        let left_bp = self.next_aggregation.saturating_sub(self.tick) * 10_000 / window;
        if left_bp == 10_000 {
            return piece.last_nr_accesses;
        }
        piece.nr_accesses + (u64::from(piece.last_nr_accesses) * left_bp / 10_000) as u32
    }

    fn matches(&self, i: usize, at: usize) -> bool {
        let (piece, pattern) = (&self.pieces[at], &self.schemes[i].config.pattern);
        let (size, age, count) = (piece.size(), piece.age, self.moving(piece));
        (pattern.size.min..=pattern.size.max).contains(&size)
            && (pattern.nr_accesses.min..=pattern.nr_accesses.max).contains(&count)
            && (pattern.age.min..=pattern.age.max).contains(&age)
    }

    /// `damon-core.md` 5.5, physical memory.
    fn score(&self, i: usize, at: usize) -> u64 {
        let (piece, config) = (&self.pieces[at], &self.schemes[i].config);
        let samples = self.attrs.aggregation_us / self.attrs.sample_us;
        let frequency = u64::from(self.moving(piece)) * 100 / samples;
        let mut seconds = u64::from(piece.age) * self.attrs.aggregation_us / 1_000_000;
        let mut magnitude = 0i64;
        while seconds > 0 {
            seconds /= 2;
            magnitude += 1;
        }
        let magnitude = if frequency == 0 { -magnitude } else { magnitude };
        let of_age = ((magnitude + 32) * 100 / 32 / 2) as u64;
        let weights = config.quota.weights;
        let (nr_accesses, age) = (u64::from(weights.nr_accesses), u64::from(weights.age));
        let weighed = nr_accesses * frequency + age * of_age;
        let mean = weighed.checked_div(nr_accesses + age).unwrap_or(weighed);
        let hot = (mean * 99 / 100).min(99);
        match config.action {
            Action::MigrateHot => hot,
            Action::MigrateCold => 99 - hot,
            Action::Stat => 99,
            other => panic!("no score of {other:?} here"),
        }
    }

    fn open_window(&mut self, i: usize, now_ns: u64, verdict: Option<u64>) {
        let scheme = &mut self.schemes[i];
        if !scheme.is_limited() {
            return;
        }
        let first = scheme.window_began_ns.is_none();
        if first {
            scheme.window_began_ns = Some(now_ns);
            scheme.compute_effective(verdict);
        }
        let began_ns = scheme.window_began_ns.unwrap_or(now_ns);
        if now_ns - began_ns >= scheme.config.quota.reset_interval_ms * 1_000_000 {
            // Of a first window that ends at once, a tuner is asked about the second only.
            let unknown = first && !scheme.config.quota.goals.is_empty();
            scheme.stats.qt_exceeds += u64::from(scheme.is_full() && !unknown);
            scheme.total_charged += scheme.charged;
            scheme.charged = 0;
            scheme.window_began_ns = Some(now_ns);
            scheme.compute_effective(verdict);
        }
    }

    fn set_min_score(&mut self, i: usize) {
        let mut scored = Vec::new();
        let mut at = 0;
        while at < self.pieces.len() {
            if self.matches(i, at) && self.passes(i, at) {
                scored.push((self.score(i, at), self.pieces[at].size()));
            }
            at += 1;
        }
        let from = |least: u64| -> u64 {
            scored.iter().filter(|(score, _)| *score >= least).map(|(_, size)| size).sum()
        };
        let highest = scored.iter().map(|(score, _)| *score).max().unwrap_or(0);
        let enough = (0..=highest).rev().find(|&least| from(least) >= self.schemes[i].effective);
        self.schemes[i].min_score = enough.unwrap_or(0);
    }

    /// Whether the core filters let a piece through, which they may cut. `damon-core.md` 5.7.
    fn passes(&mut self, i: usize, at: usize) -> bool {
        let filters = self.schemes[i].config.core_filters.clone();
        for CoreFilter { kind, matching, allow } in &filters {
            let CoreFilterKind::Address(range) = kind else { panic!("no {kind:?} here") };
            if self.is_inside(at, range) == *matching {
                return *allow;
            }
        }
        filters.last().is_none_or(|last| !last.allow)
    }

    fn is_inside(&mut self, at: usize, range: &Range) -> bool {
        let (start, end) = (range.start / PAGE * PAGE, range.end / PAGE * PAGE);
        let piece = self.pieces[at];
        if piece.end <= start || end <= piece.start {
            return false;
        }
        if piece.start < start {
            self.cut(at, start - piece.start);
            return false;
        }
        if end < piece.end {
            self.cut(at, end - piece.start);
        }
        true
    }

    /// `damon-core.md` 5.3.
    fn offer(&mut self, i: usize, at: usize) {
        if self.schemes[i].is_full() {
            return self.met(i, at, Fate::QuotaFull);
        }
        if self.had_its_turn(i, at) {
            return self.met(i, at, Fate::ServedBefore);
        }
        let most = self.schemes[i].config.max_nr_snapshots;
        if most != 0 && self.schemes[i].stats.nr_snapshots >= most {
            return self.met(i, at, Fate::SnapshotsDone);
        }
        let first_served = |naive: &Self| naive.score(i, at) >= naive.schemes[i].min_score;
        if !self.matches(i, at) {
            self.met(i, at, Fate::NoMatch);
        } else if self.schemes[i].is_limited() && !first_served(self) {
            self.met(i, at, Fate::LowScore);
        } else {
            self.act(i, at);
        }
        self.schemes[i].stats.nr_snapshots += u64::from(at + 1 == self.pieces.len());
    }

    fn met(&mut self, i: usize, at: usize, fate: Fate) {
        let (regions, bytes) = &mut self.schemes[i].fates[fate as usize];
        *regions += 1;
        *bytes += self.pieces[at].size();
    }

    /// `damon-core.md` 5.8.
    fn had_its_turn(&mut self, i: usize, at: usize) -> bool {
        let Some(resume_at) = self.schemes[i].resume_at else { return false };
        let piece = self.pieces[at];
        let had = piece.start < resume_at;
        if had && resume_at < piece.end {
            let size = ((resume_at - piece.start) / PAGE * PAGE).max(PAGE);
            if size < piece.size() {
                self.cut(at, size);
            }
        }
        if at + 1 == self.pieces.len() {
            self.schemes[i].resume_at = None;
        }
        had
    }

    /// `damon-core.md` 5.6.
    fn act(&mut self, i: usize, at: usize) {
        let scheme = &self.schemes[i];
        let left = scheme.effective.saturating_sub(scheme.charged);
        if scheme.is_limited() && self.pieces[at].size() > left {
            self.cut(at, left / PAGE * PAGE);
        }
        if !self.passes(i, at) {
            return self.met(i, at, Fate::Filtered);
        }
        self.met(i, at, Fate::Tried);
        let piece = &mut self.pieces[at];
        let size = piece.size();
        let scheme = &mut self.schemes[i];
        let action = scheme.config.action;
        self.applied.push((action, Range { start: piece.start, end: piece.end }));
        let did = (self.effect)(size);
        let fail = scheme.config.quota.fail_charge;
        scheme.charged += match fail.denominator {
            0 => size,
            denominator => {
                let failed = (size - did.bytes) * u64::from(fail.numerator);
                did.bytes + failed / u64::from(denominator)
            }
        };
        scheme.total_charged_ns += did.elapsed_ns;
        if scheme.is_full() {
            scheme.resume_at = Some(piece.end);
        }
        if action != Action::Stat {
            piece.age = 0;
        }
        scheme.stats.nr_tried += 1;
        scheme.stats.sz_tried += size;
        scheme.stats.sz_ops_filter_passed += did.passed;
        scheme.stats.nr_applied += u64::from(did.bytes > 0);
        scheme.stats.sz_applied += did.bytes;
    }

    /// Whether a piece and the next are one for all that is known. `damon-core.md` 5.9.
    fn are_alike(&self, at: usize, limit: u64) -> bool {
        let (left, right) = (&self.pieces[at], &self.pieces[at + 1]);
        left.end == right.start
            && (left.age, left.nr_accesses, left.last_nr_accesses)
                == (right.age, right.nr_accesses, right.last_nr_accesses)
            && right.end - left.start <= limit
    }
}

fn apply_ticks(config: &SchemeConfig, attrs: &Attrs) -> u64 {
    let interval_us = match config.apply_interval_us {
        0 => attrs.aggregation_us,
        interval_us => interval_us,
    };
    interval_us / attrs.sample_us
}
