/** Operations sets: which address space is monitored, and how accesses are seen. */
import { type Schema, oneOf } from '../validate.ts';

/** The kernel's names, in its order. */
export const OPERATIONS = ['vaddr', 'fvaddr', 'paddr', 'paddr_ibs'] as const;

/**
 * The name of an operations set. `paddr_ibs`: physical addresses, accesses seen by access reports.
 * Which sets there are is the source's to say; selecting another is refused.
 */
export type OperationsName = (typeof OPERATIONS)[number];

/** Which addresses a set monitors: decides what can be a target, and what an action means. */
export type Addresses = 'physical' | 'virtual';

/** Sets that monitor physical memory: one target, and pages lie on nodes. */
export function isPhysical(operations: OperationsName): boolean {
  return operations === 'paddr' || operations === 'paddr_ibs';
}

/** What the kernel's sets monitor. */
export function addressesOf(operations: OperationsName): Addresses {
  return isPhysical(operations) ? 'physical' : 'virtual';
}

/** Reads an {@link OperationsName}. */
export const operationsSchema: Schema<OperationsName> = oneOf(OPERATIONS);
