/** Options with one field set: what the tables of fields, by role, are made of. */
import { SMALL } from '../support/small.ts';

/** A field, values it takes, and values it refuses. */
export interface Field {
  /** As an error names it. */
  readonly path: string;
  /** Options with the field set. */
  readonly set: (value: unknown) => unknown;
  readonly taken: readonly unknown[];
  readonly refused: readonly unknown[];
  /** Part of what the error says was expected. */
  readonly expected: RegExp;
}

export const recording = (more: object): object => ({
  source: { type: 'recording', path: 'a.csv', ...more },
});
export const emulation = (more: object): object => ({ source: { ...SMALL, ...more } });
export const workload = (more: object): object =>
  emulation({ workload: { ...SMALL.workload, ...more } });
export const sampler = (more: object): object =>
  emulation({ sampler: { type: 'ibs_op', ...more } });
export const node = (more: object): object =>
  emulation({ nodes: [{ start: 0, end: '1 GiB', ...more }] });
export const attrs = (more: object): object => ({ source: SMALL, attrs: more });
export const scheme = (more: object): object => ({
  source: SMALL,
  schemes: [{ action: 'stat', ...more }],
});
export const pattern = (more: object): object => scheme({ pattern: more });
export const quota = (more: object): object => scheme({ quota: more });
export const goal = (more: object): object => quota({ goals: [more] });
export const nodeGoal = (more: object): object =>
  goal({ metric: 'node_eligible_mem_bp', nid: 0, targetValue: 1, ...more });
export const inputGoal = (more: object): object =>
  goal({ metric: 'user_input', targetValue: 1, ...more });
export const filter = (more: object): object =>
  scheme({ filters: [{ type: 'addr', range: { start: 0, end: 4096 }, ...more }] });
export const memcgGoal = (more: object): object =>
  goal({ metric: 'node_memcg_used_bp', nid: 0, targetValue: 1, ...more });
export const destinations = (more: object): object =>
  scheme({ action: 'migrate_hot', destinations: [{ nid: 0, weight: 1 }], ...more });
export const marks = (more: object): object =>
  scheme({ watermarks: { metric: 'free_mem_rate', ...more } });
export const tuned = (more: object): object =>
  attrs({
    intervalsGoal: {
      accessBp: 400,
      aggregations: 3,
      minSampleUs: 5_000,
      maxSampleUs: '10 s',
      ...more,
    },
  });
export const ofProcess = (more: object): object => ({
  source: SMALL,
  targets: [{ tgid: 1, ...more }],
});
export const filterRange = (more: object): object =>
  filter({ range: { start: 0, end: 4096, ...more } });

export const S = 'schemes[0]';
export const G = `${S}.quota.goals[0]`;
export const SAFE = Number.MAX_SAFE_INTEGER;
export const U32 = 2 ** 32 - 1;
export const NO_INTEGER = [1.5, NaN, '5', 5n, null, true, {}];
export const NO_TIME = [-1, 1.5, NaN, '5', '5 MiB', null, {}];
export const NO_SIZE = [-1, 1.5, NaN, '5', '5 ms', null, {}];
export const NO_BOOLEAN = [0, 1, 'yes', null];
export const NO_TEXT = [5, null, {}];
export const NO_OBJECT = [5, 'x', null];
export const NO_LIST = [5, 'x', {}, null];
export const NO_ADDRESS = [-1, 1.5, -1n, 2n ** 53n, '10', '0x', 'x', null, {}];
