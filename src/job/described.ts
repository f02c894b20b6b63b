/** What an emulated machine is, in a few short phrases. */
import type { Emulation, Workload } from '../machine/machine.ts';
import type { Processes } from '../machine/process.ts';
import { formatBytes } from '../report/format.ts';
import { describeSampler } from '../sampler/sampler.ts';

/** Its nodes, what runs there, its CPUs, and who watches and moves. */
export function describeEmulation(machine: Emulation): string[] {
  return [
    ...describeNodes(machine),
    describeWorkload(machine.workload),
    describeWatching(machine),
    ...(machine.policy ? [`policy ${machine.policy.type}`] : []),
  ];
}

/** Each with its size. */
export function describeNodes({ nodes }: Pick<Emulation, 'nodes'>): string[] {
  return nodes.map(({ name, start, end }) => `${name} ${formatBytes(end - start)}`);
}

/** Its CPUs, and the sampler. */
export function describeWatching({
  processor,
  sampler,
}: Pick<Emulation, 'processor' | 'sampler'>): string {
  return `${processor.cpus} CPUs, ${describeSampler(sampler)}`;
}

function describeWorkload(workload: Workload | Processes): string {
  if (workload.type === 'hot_set') {
    const { bytes, hotBytes } = workload;
    const all = bytes > hotBytes ? ` of ${formatBytes(bytes)}` : '';
    return `hot set ${formatBytes(hotBytes)}${all}`;
  }
  const { processes } = workload;
  const bytes = processes.flatMap(({ areas }) => areas).reduce((sum, area) => sum + area.bytes, 0);
  const count = processes.length === 1 ? '1 process' : `${processes.length} processes`;
  return `${count} with ${formatBytes(bytes)}`;
}
