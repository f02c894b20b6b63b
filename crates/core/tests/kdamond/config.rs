//! What a kdamond refuses to be made of.

use damon_core::kdamond::{Config, ConfigError, Kdamond, TargetConfig};
use damon_core::ops::Primitive;
use damon_core::scheme::{Goal, Metric, QuotaConfig};
use damon_core::{Action, Attrs, AttrsError, OpsId};

use crate::common::{Memory, START_NS, attrs, config, kdamond, ranges, scheme, select};

#[test]
fn targets_must_go_with_the_operations_set() {
    let physical = || TargetConfig::physical(ranges(&[(0, 4)]));
    let process = |tgid| TargetConfig { tgid: Some(tgid), ..physical() };
    for (ops, targets, good) in [
        (OpsId::PaddrIbs, vec![physical()], true),
        (OpsId::PaddrIbs, vec![physical(), physical()], false),
        (OpsId::PaddrIbs, vec![process(1)], false),
        (OpsId::PaddrIbs, vec![], false),
        (OpsId::Vaddr, vec![process(1), process(2)], true),
        (OpsId::Vaddr, vec![process(1), process(1)], true),
        (OpsId::Vaddr, vec![process(1), physical()], false),
        (OpsId::Vaddr, vec![], true),
    ] {
        let config = Config { targets, ..config(attrs(3), vec![], vec![], ops, 1) };
        let selected = select(ops, Primitive::Reports);
        let made = Kdamond::new(config.clone(), selected, &Memory::default(), START_NS);
        match made {
            Ok(_) => assert!(good, "{config:?}"),
            Err(error) => {
                assert!(!good && matches!(error, ConfigError::Targets { .. }), "{config:?}");
            }
        }
    }
}

#[test]
fn a_goal_that_counts_nodes_is_refused_where_there_are_none() {
    let quota = |metric| QuotaConfig {
        goals: vec![Goal { metric: Metric::UserInput }, Goal { metric }],
        ..QuotaConfig::default()
    };
    for ops in OpsId::ALL {
        let mut schemes = vec![scheme(Action::Stat); 2];
        schemes[1].quota = quota(Metric::NodeEligibleMemBp { nid: 0 });
        let made = kdamond(attrs(3), ranges(&[(0, 4)]), schemes, ops, 1);
        match ops {
            ops if ops.is_physical() => assert_eq!(made.unwrap().ops(), ops),
            _ => {
                let refused = made.unwrap_err();
                let metric = "node_eligible_mem_bp";
                assert_eq!(refused, ConfigError::Metric { scheme: 1, goal: 1, metric, ops });
                let text = format!(
                    "schemes[1].quota.goals[1]: {} cannot measure {metric} here",
                    ops.name()
                );
                assert_eq!(refused.to_string(), text);
            }
        }
        let mut schemes = vec![scheme(Action::Stat)];
        schemes[0].quota = quota(Metric::UserInput);
        assert!(kdamond(attrs(3), ranges(&[(0, 4)]), schemes, ops, 1).is_ok(), "{ops:?}");
    }
}

#[test]
fn attributes_beyond_their_limits_are_refused_by_name() {
    let good = Attrs {
        sample_us: 5,
        aggregation_us: 5,
        min_nr_regions: 3,
        max_nr_regions: 3,
        ..Attrs::default()
    };
    assert_eq!(good.validate(), Ok(()));
    assert_eq!(Attrs::default().validate(), Ok(()));
    for (bad, field, received, text) in [
        (Attrs { sample_us: 0, ..good }, "sampleUs", 0, "sampleUs: expected at least 1, got 0"),
        (
            Attrs { min_nr_regions: 2, ..good },
            "minNrRegions",
            2,
            "minNrRegions: expected at least 3, got 2",
        ),
        (
            Attrs { min_nr_regions: 4, ..good },
            "minNrRegions",
            4,
            "minNrRegions: expected at most maxNrRegions (3), got 4",
        ),
        (
            Attrs { sample_us: 6, ..good },
            "sampleUs",
            6,
            "sampleUs: expected at most aggregationUs (5), got 6",
        ),
    ] {
        let refused = bad.validate().unwrap_err();
        assert_eq!((refused.field, refused.received), (field, received));
        assert_eq!(refused.to_string(), text);
        let made = kdamond(bad, ranges(&[(0, 4)]), vec![], OpsId::PaddrIbs, 1);
        assert!(
            matches!(made, Err(ConfigError::Attrs(AttrsError { field: named, .. })) if named == field)
        );
    }
    let made = kdamond(good, ranges(&[(4, 4)]), vec![], OpsId::PaddrIbs, 1);
    assert!(matches!(made, Err(ConfigError::Ranges { target: 0, .. })));
}
