/**
 * `node-damon/producer`: the writing end of shared lanes, without the addon and without
 * dependencies. For workers that only report.
 */
export { DamonError } from '../errors.ts';
export type { DamonErrorDetails, DamonErrorJson } from '../errors.ts';
export type { AccessReport, BatchOutcome, ReportColumns, ReportOutcome } from '../live/report.ts';
export type { SharedLane } from '../live/shared-lane.ts';
export { SharedProducer } from './shared-producer.ts';
