#!/bin/sh
# PULL and PUSH through the files: hold 70 % of hot memory on DRAM, where there is CXL beside it.
#
#   node-damon admin --script examples/pull-push.sh
#
# Written for the kernel's tree; the addresses are those of node-damon's machine, 128 GiB of each.
set -e
KDAMONDS=/sys/kernel/mm/damon/admin/kdamonds
CONTEXT=$KDAMONDS/0/contexts/0
echo 1 > $KDAMONDS/nr_kdamonds
echo 1 > $KDAMONDS/0/contexts/nr_contexts
cd $CONTEXT
echo paddr_ibs > operations

# AMD IBS Op, every 262144 cycles, physical addresses. 0xb is the type of the PMU ibs_op.
cd $CONTEXT/monitoring_attrs/sample/perf_events
echo 1 > nr_perf_events
echo 0xb > 0/type
echo 1 > 0/sample_phys_addr
echo 0 > 0/freq
echo 262144 > 0/sample_period
echo 0 > 0/exclude_kernel
echo 0 > 0/exclude_hv

# DRAM, then CXL.
cd $CONTEXT/targets
echo 1 > nr_targets
echo 2 > 0/regions/nr_regions
echo 0 > 0/regions/0/start
echo 137438953472 > 0/regions/0/end
echo 137438953472 > 0/regions/1/start
echo 274877906944 > 0/regions/1/end

# PULL: to DRAM what is on CXL, while less than 70 % of what is hot is on DRAM.
echo 2 > $CONTEXT/schemes/nr_schemes
cd $CONTEXT/schemes/0
echo migrate_hot > action
echo 0 > target_nid
echo 18446744073709551615 > access_pattern/sz/max
echo 1 > access_pattern/nr_accesses/min
echo 4294967295 > access_pattern/nr_accesses/max
echo 4294967295 > access_pattern/age/max
echo 536870912 > quotas/bytes
echo 1000 > quotas/reset_interval_ms
echo temporal > quotas/goal_tuner
echo 1000 > quotas/weights/nr_accesses_permil
echo 1000 > quotas/weights/age_permil
echo 1 > quotas/goals/nr_goals
echo node_eligible_mem_bp > quotas/goals/0/target_metric
echo 0 > quotas/goals/0/nid
echo 7000 > quotas/goals/0/target_value
echo 1 > core_filters/nr_filters
echo addr > core_filters/0/type
echo Y > core_filters/0/matching
echo Y > core_filters/0/allow
echo 137438953472 > core_filters/0/addr_start
echo 274877906944 > core_filters/0/addr_end

# PUSH: to CXL what is on DRAM, while less than 30 % is on CXL.
cd $CONTEXT/schemes/1
echo migrate_hot > action
echo 1 > target_nid
echo 18446744073709551615 > access_pattern/sz/max
echo 1 > access_pattern/nr_accesses/min
echo 4294967295 > access_pattern/nr_accesses/max
echo 4294967295 > access_pattern/age/max
echo 536870912 > quotas/bytes
echo 1000 > quotas/reset_interval_ms
echo temporal > quotas/goal_tuner
echo 1000 > quotas/weights/nr_accesses_permil
echo 1000 > quotas/weights/age_permil
echo 1 > quotas/goals/nr_goals
echo node_eligible_mem_bp > quotas/goals/0/target_metric
echo 1 > quotas/goals/0/nid
echo 3000 > quotas/goals/0/target_value
echo 1 > core_filters/nr_filters
echo addr > core_filters/0/type
echo Y > core_filters/0/matching
echo Y > core_filters/0/allow
echo 0 > core_filters/0/addr_start
echo 137438953472 > core_filters/0/addr_end

echo on > $KDAMONDS/0/state
sleep 30
echo update_schemes_stats > $KDAMONDS/0/state
cat $CONTEXT/schemes/0/stats/sz_applied
cat $CONTEXT/schemes/1/stats/sz_applied
