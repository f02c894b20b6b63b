/** What a scheme does to memory. Kernel `enum damos_action`. */
import type { Addresses } from '../monitor/operations.ts';
import { type Schema, oneOf } from '../validate.ts';

/** The actions by their kernel names, in its order. */
export const ACTIONS = [
  'willneed',
  'cold',
  'pageout',
  'hugepage',
  'nohugepage',
  'collapse',
  'lru_prio',
  'lru_deprio',
  'migrate_hot',
  'migrate_cold',
  'stat',
] as const;

/** The name of an action. */
export type ActionName = (typeof ACTIONS)[number];

const PHYSICAL: ReadonlySet<ActionName> = new Set(['lru_prio', 'lru_deprio'] as const);
const ANY: ReadonlySet<ActionName> = new Set([
  'pageout',
  'migrate_hot',
  'migrate_cold',
  'stat',
] as const);

/** Whether the sets of that kind carry the action out. `damon-core.md` 5.11. */
export function knowsAction(addresses: Addresses, action: ActionName): boolean {
  return ANY.has(action) || PHYSICAL.has(action) === (addresses === 'physical');
}

/** Whether pages go to another node. */
export function migrates(action: ActionName): boolean {
  return action === 'migrate_hot' || action === 'migrate_cold';
}

/** Reads an {@link ActionName}. */
export const actionSchema: Schema<ActionName> = oneOf(ACTIONS);
