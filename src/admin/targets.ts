/**
 * Builds targets and their regions from their files.
 *
 * `damon-core.md` 4.8 and 9.3. Not here: whether there is such a process.
 */
import { type OperationsName, isPhysical } from '../monitor/operations.ts';
import type { AdminRange, AdminTarget } from './engine.ts';
import { refused } from './errno.ts';
import { type Dir, unfit } from './node.ts';

const PAGE = 4096n;

/** Where regions lie. */
interface AddressSpace {
  readonly operations: OperationsName;
  /** In units of the context. */
  readonly minRegionSz: bigint;
}

/** The smallest region of a context, in its units. */
export function minRegionSzOf(operations: OperationsName, addrUnit: bigint): bigint {
  if (!isPhysical(operations)) return PAGE;
  return addrUnit < PAGE ? PAGE / addrUnit : 1n;
}

/** The targets that a directory `targets` describes. */
export function buildTargets(dir: Dir, space: AddressSpace): AdminTarget[] {
  if (isPhysical(space.operations) && dir.count > 1) {
    throw refused('EINVAL', {
      path: dir.pathOf('nr_targets'),
      expected: `at most 1 for ${space.operations}`,
      received: dir.count,
    });
  }
  return dir.numbered().map((target) => ({
    pid: target.number('pid_target'),
    obsolete: target.flag('obsolete_target'),
    regions: buildRegions(target.dir('regions'), space),
  }));
}

function buildRegions(dir: Dir, { minRegionSz }: AddressSpace): AdminRange[] {
  // A size that nothing can be aligned to is refused in the end, for the unit it came from.
  const unit = isPowerOfTwo(minRegionSz) ? minRegionSz : 1n;
  const ranges: AdminRange[] = [];
  let last = 0n;
  for (const region of dir.numbered()) {
    const range = { start: region.u64('start'), end: region.u64('end') };
    const aligned = align(range, unit);
    if (range.start > range.end || aligned.start >= aligned.end) {
      throw unfit(region, 'end', `more than the start, and room for units of ${unit}`);
    }
    if (last > aligned.start) {
      throw unfit(region, 'start', `apart from the region before, which ends at ${last}`);
    }
    last = aligned.end;
    ranges.push(range);
  }
  return ranges;
}

/** Outwards, at 64 bits as the kernel does it. */
function align({ start, end }: AdminRange, unit: bigint): AdminRange {
  return { start: start - (start % unit), end: BigInt.asUintN(64, end + unit - 1n) & -unit };
}

/** Whether a size, which is never 0, is a power of two. */
export function isPowerOfTwo(size: bigint): boolean {
  return (size & (size - 1n)) === 0n;
}
