//! Another configuration while monitoring goes on: taken at any moment, in force at the end of a
//! sampling interval.

use damon_core::kdamond::{Config, TargetConfig};
use damon_core::ops::{OpsId, Selected};
use damon_core::scheme::Goal;
use damon_sampler::SamplerConfig;

use super::refusal::{MonitorError, check_nodes, check_schemes};
use super::{ContextConfig, Monitor, Phase, core_config};

/// What was asked for and waits for the end of the sampling interval.
pub(super) enum Pending {
    Context(Box<Config>, Selected, Option<SamplerConfig>),
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
        let ops = self.registry.select(context.ops)?;
        check_schemes(&*self.source, &context)?;
        if let Some(sampler) = &context.sampler {
            self.source.check_sampler(sampler)?;
        }
        let sampler = context.sampler.clone();
        let targets = context.targets.clone().unwrap_or_else(|| self.same_targets(context.ops));
        let config = core_config(context, targets, 0);
        self.kdamond.check_commit(&config, ops.id(), self.source.operations())?;
        self.pending = Some(Pending::Context(Box::new(config), ops, sampler));
        Ok(())
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

    /// The targets there are, as they are; other ones if the set is of another kind.
    fn same_targets(&self, ops: OpsId) -> Vec<TargetConfig> {
        let targets = self.kdamond.targets().iter().map(|target| TargetConfig {
            tgid: target.tgid(),
            ranges: Vec::new(),
            obsolete: false,
        });
        if ops.is_physical() == self.kdamond.ops().is_physical() {
            targets.collect()
        } else {
            self.source.targets(ops)
        }
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
            Some(Pending::Context(config, ops, sampler)) => {
                // The new set is held, and its configuration in force, before the old one is let go.
                let committed = self.kdamond.commit(*config, ops.clone(), memory);
                if committed.is_ok() {
                    self.source.select(&ops);
                    if let Some(sampler) = sampler {
                        self.source.restart_sampler(&sampler);
                    }
                }
                committed
            }
            Some(Pending::Goals(goals)) => self.kdamond.commit_goals(goals, memory),
        };
        debug_assert!(committed.is_ok());
    }
}
