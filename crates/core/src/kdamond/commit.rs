//! A whole configuration at once, while monitoring goes on. `damon-core.md` 8.1.

use super::config::check_goals;
use super::{Config, ConfigError, Kdamond, TargetConfig, lacks_regions};
use crate::ops::{Operations, OpsId, Selected};
use crate::region::{Range, Target};
use crate::scheme::{Goal, Scheme, SchemeConfig, forget};

impl Kdamond {
    /// Takes a new configuration, between [`observe`](Self::observe) and
    /// [`open_windows`](Self::open_windows) of a tick. Lists are paired by index: what both have is
    /// changed in place and keeps what it has seen and done. `damon_commit_ctx`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]; everything is then as before.
    pub fn commit(
        &mut self,
        config: Config,
        ops: Selected,
        memory: &dyn Operations,
    ) -> Result<(), ConfigError> {
        let min_region_sz = self.check_commit(&config, ops.id(), memory)?;
        // Nothing below can fail.
        self.commit_schemes(config.schemes);
        self.commit_targets(&config.targets, min_region_sz);
        if config.attrs != self.attrs {
            let attrs = config.attrs;
            self.set_attrs(attrs, attrs.ticks(attrs.aggregation_us));
        }
        self.paused = config.paused;
        if self.paused {
            self.walking = None;
        }
        // Hits stay in their places.
        self.probes = config.probes;
        self.addr_unit = if ops.id() == OpsId::Paddr { config.addr_unit } else { 1 };
        self.min_region_sz = min_region_sz;
        self.adjuster.set_min_region_sz(min_region_sz);
        self.ops = ops;
        if lacks_regions(&self.targets, self.ops.id()) {
            self.next_ops_update_tick = self.tick + 1;
        }
        let tgids: Vec<_> = self.targets.iter().map(Target::tgid).collect();
        self.drain.configure(config.sample_filters, &tgids);
        self.samples.resize(self.targets.len(), Vec::new());
        Ok(())
    }

    /// Whether a [`commit`](Self::commit) would succeed.
    ///
    /// # Errors
    ///
    /// What it would fail with.
    pub fn check_commit(
        &self,
        config: &Config,
        ops: OpsId,
        memory: &dyn Operations,
    ) -> Result<u64, ConfigError> {
        let min_region_sz = config.check(ops, memory)?;
        let beyond = config.targets.iter().enumerate().skip(self.targets.len());
        match beyond.into_iter().find(|(_, target)| target.obsolete) {
            Some((target, _)) => Err(ConfigError::Obsolete { target }),
            None => Ok(min_region_sz),
        }
    }

    /// Takes new goals for schemes, by index; all else, their tuners' state too, stays. Schemes beyond
    /// the list keep the goals they have. `damos_sysfs_set_quota_scores`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]; everything is then as before.
    pub fn commit_goals(
        &mut self,
        goals: Vec<Vec<Goal>>,
        memory: &dyn Operations,
    ) -> Result<(), ConfigError> {
        self.check_goals(&goals, memory)?;
        for (scheme, goals) in self.schemes.iter_mut().zip(goals) {
            scheme.config.quota.goals = goals;
        }
        Ok(())
    }

    /// Whether [`commit_goals`](Self::commit_goals) would succeed.
    ///
    /// # Errors
    ///
    /// What it would fail with.
    pub fn check_goals(
        &self,
        goals: &[Vec<Goal>],
        memory: &dyn Operations,
    ) -> Result<(), ConfigError> {
        let mut by_scheme = goals.iter().enumerate();
        by_scheme.try_for_each(|(scheme, goals)| check_goals(scheme, goals, self.ops.id(), memory))
    }

    fn commit_schemes(&mut self, configs: Vec<SchemeConfig>) {
        if let Some(walking) = &mut self.walking {
            walking.resize(configs.len());
        }
        self.schemes.truncate(configs.len());
        for (index, config) in configs.into_iter().enumerate() {
            match self.schemes.get_mut(index) {
                Some(scheme) => scheme.commit(config),
                None => self.schemes.push(Scheme::new(config, self.tick, &self.attrs)),
            }
        }
    }

    fn commit_targets(&mut self, configs: &[TargetConfig], min_region_sz: u64) {
        let old = std::mem::take(&mut self.targets);
        let mut places = Vec::with_capacity(old.len());
        let mut kept = old.into_iter();
        for config in configs {
            let before = kept.next();
            if config.obsolete {
                places.push(None);
                continue;
            }
            if before.is_some() {
                places.push(Some(self.targets.len()));
            }
            let mut target = before.unwrap_or_else(|| Target::new(config.tgid));
            target.set_tgid(config.tgid);
            if !config.ranges.is_empty() {
                // Checked before.
                let _ = target.set_ranges(&joined(&config.ranges), min_region_sz);
            }
            self.targets.push(target);
        }
        places.extend(kept.map(|_| None));
        self.move_positions(&places);
    }

    /// Where schemes resume, by where targets went.
    fn move_positions(&mut self, places: &[Option<usize>]) {
        for (index, place) in places.iter().enumerate() {
            if place.is_none() {
                forget(&mut self.schemes, index);
            }
        }
        for scheme in &mut self.schemes {
            if let Some((target, _)) = &mut scheme.quota.resume_at {
                *target = places[*target].unwrap_or(*target);
            }
        }
    }
}

/// Ranges that touch made one, so that a region across them stays whole.
fn joined(ranges: &[Range]) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(*range),
        }
    }
    joined
}
