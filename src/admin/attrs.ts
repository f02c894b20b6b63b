/** Builds monitoring attributes from their files. `damon-core.md` 1.2. */
import type { AdminAttrs } from './engine.ts';
import { type Dir, unfit } from './node.ts';

/** Smallest legal `min_nr_regions`. `damon-core.md` 14. */
const MIN_NR_REGIONS = 3n;

/**
 * The attributes that a directory `monitoring_attrs` describes.
 *
 * @throws AdminError `EINVAL`, in the order in which `damon_set_attrs` checks
 */
export function buildAttrs(monitoring: Dir): AdminAttrs {
  const intervals = monitoring.dir('intervals');
  const goal = intervals.dir('intervals_goal');
  const limits = monitoring.dir('nr_regions');
  const attrs: AdminAttrs = {
    sampleUs: intervals.u64('sample_us'),
    aggregationUs: intervals.u64('aggr_us'),
    opsUpdateUs: intervals.u64('update_us'),
    minNrRegions: limits.u64('min'),
    maxNrRegions: limits.u64('max'),
    intervalsGoal: {
      accessBp: goal.u64('access_bp'),
      aggrs: goal.u64('aggrs'),
      minSampleUs: goal.u64('min_sample_us'),
      maxSampleUs: goal.u64('max_sample_us'),
    },
  };
  const { aggrs, minSampleUs, maxSampleUs } = attrs.intervalsGoal;
  if (aggrs !== 0n) {
    if (minSampleUs > maxSampleUs) throw unfit(goal, 'min_sample_us', `at most ${maxSampleUs}`);
    if (attrs.sampleUs < minSampleUs || maxSampleUs < attrs.sampleUs) {
      const expected = `within the intervals goal, from ${minSampleUs} to ${maxSampleUs}`;
      throw unfit(intervals, 'sample_us', expected);
    }
  }
  if (attrs.minNrRegions < MIN_NR_REGIONS) throw unfit(limits, 'min', `at least ${MIN_NR_REGIONS}`);
  if (attrs.minNrRegions > attrs.maxNrRegions) {
    throw unfit(limits, 'max', `at least the minimum of ${attrs.minNrRegions}`);
  }
  if (attrs.sampleUs > attrs.aggregationUs) {
    throw unfit(intervals, 'aggr_us', `at least the sampling interval of ${attrs.sampleUs}`);
  }
  return attrs;
}
