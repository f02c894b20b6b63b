//! Another configuration while monitoring goes on: taken at any moment, in force at the end of a
//! sampling interval.

use damon_core::kdamond::{Config, TargetConfig};
use damon_core::ops::{Registry, Selected};
use damon_core::region::{Range, Target};
use damon_core::scheme::Goal;
use damon_sampler::{SamplerConfig, SamplerError};

use super::refusal::{MonitorError, check_context, check_nodes};
use super::{ContextConfig, Monitor, Phase, core_config, initial_targets, scaled};
use crate::source::Restart;

/// What was asked for and waits for the end of the sampling interval.
pub(super) enum Pending {
    Context(Box<Config>, Selected, Option<(Registry, SamplerConfig)>),
    Goals(Vec<Vec<Goal>>),
}

impl Monitor {
    /// Takes a new configuration, which takes effect at the end of the running sampling interval:
    /// after it was observed and before the schemes act. What both configurations have keeps what it
    /// has seen and done.
    ///
    /// # Errors
    ///
    /// [`MonitorError`]; everything then stays as it is.
    pub fn commit(&mut self, context: ContextConfig) -> Result<(), MonitorError> {
        self.check_idle()?;
        self.pending = Some(self.prepare(context)?);
        Ok(())
    }

    /// Whether a [`commit`](Self::commit) would be taken, if it was not for one before it.
    ///
    /// # Errors
    ///
    /// [`MonitorError`]: what it would fail with.
    pub fn check_commit(&self, context: ContextConfig) -> Result<(), MonitorError> {
        self.prepare(context).map(drop)
    }

    fn prepare(&self, context: ContextConfig) -> Result<Pending, MonitorError> {
        let restart = match context.sampler.clone() {
            Some(sampler) => Some((self.check_sampler(&sampler)?, sampler)),
            None => None,
        };
        // How a set sees accesses is up to who samples then.
        let registry = restart.as_ref().map_or(&self.registry, |(registry, _)| registry);
        let ops = registry.select(context.ops)?;
        check_context(&*self.source, &context)?;
        let targets = context.targets.clone().unwrap_or_else(|| self.same_targets(&context));
        let config = core_config(context, targets, 0);
        self.kdamond.check_commit(&config, ops.id(), self.source.operations())?;
        Ok(Pending::Context(Box::new(config), ops, restart))
    }

    /// The operations sets that there are with another sampler.
    fn check_sampler(&self, sampler: &SamplerConfig) -> Result<Registry, SamplerError> {
        let Restart { registry, lanes } = self.source.check_sampler(sampler)?;
        let lanes_max = self.lanes.door().options().lanes_max as usize;
        if lanes > lanes_max {
            let expected = format!("a sampler of at most {lanes_max} lanes");
            return Err(SamplerError {
                path: "type",
                expected,
                received: format!("one of {lanes}"),
            });
        }
        Ok(registry)
    }

    /// Takes new goals for schemes, by index, likewise; all else stays.
    ///
    /// # Errors
    ///
    /// [`MonitorError`]; everything then stays as it is.
    pub fn commit_goals(&mut self, goals: Vec<Vec<Goal>>) -> Result<(), MonitorError> {
        self.check_idle()?;
        check_nodes(&*self.source, goals.iter().map(Vec::as_slice))?;
        self.kdamond.check_goals(&goals, self.source.operations())?;
        self.pending = Some(Pending::Goals(goals));
        Ok(())
    }

    fn check_idle(&self) -> Result<(), MonitorError> {
        match (self.phase, &self.pending) {
            (Phase::Ended, _) => Err(MonitorError::Ended),
            (_, Some(_)) => Err(MonitorError::Busy),
            (_, None) => Ok(()),
        }
    }

    /// The targets there are, as they are, in other units if those change; other ones if the set is of
    /// another kind.
    fn same_targets(&self, context: &ContextConfig) -> Vec<TargetConfig> {
        if context.ops.is_physical() != self.kdamond.ops().is_physical() {
            return initial_targets(&*self.source, context);
        }
        let (before, unit) = (self.kdamond.addr_unit(), context.addr_unit);
        let is_same = !context.ops.is_physical() || before == unit;
        let targets = self.kdamond.targets().iter().map(|target| TargetConfig {
            tgid: target.tgid(),
            ranges: if is_same { Vec::new() } else { ranges_of(target, before, unit) },
            obsolete: false,
        });
        targets.collect()
    }

    /// Whether a [`commit`](Self::commit) is still to take effect.
    pub fn is_committing(&self) -> bool {
        self.pending.is_some()
    }

    /// What was asked for takes effect.
    pub(super) fn serve(&mut self) {
        let memory = self.source.operations();
        // What could fail was checked when it was taken.
        let committed = match self.pending.take() {
            None => return,
            Some(Pending::Context(config, ops, restart)) => {
                // The new set is held, and its configuration in force, before the old one is let go.
                let committed = self.kdamond.commit(*config, ops.clone(), memory);
                if committed.is_ok() {
                    self.source.select(&ops);
                    if let Some((registry, sampler)) = restart {
                        self.source.restart_sampler(&sampler);
                        self.registry = registry;
                        // Lanes that were let go make room.
                        self.kdamond.discard(&mut self.lanes);
                    }
                }
                committed
            }
            Some(Pending::Goals(goals)) => self.kdamond.commit_goals(goals, memory),
        };
        debug_assert!(committed.is_ok());
    }
}

/// What a target monitors, in other units.
fn ranges_of(target: &Target, before: u64, unit: u64) -> Vec<Range> {
    let joined = target.regions().chunk_by(|region, next| region.end == next.start);
    let whole = joined.filter_map(|regions| {
        let (first, last) = (regions.first()?, regions.last()?);
        Some(scaled(Range { start: first.start, end: last.end }, before, unit))
    });
    whole.filter(|range| range.size() > 0).collect()
}
