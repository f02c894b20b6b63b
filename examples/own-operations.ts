import { Kdamond, type OperationsSet, OperationsRegistry, balance } from 'node-damon';

// An address space of your own: a cache of 4096 blocks of 4 KiB, block n at address n * 4096.
const BLOCK = 4096;
const accessed = new Uint8Array(4096);
const present = new Uint8Array(4096).fill(1);
const blockOf = (address: bigint): number => Number(address / BigInt(BLOCK));

// Who uses it: the first eighth all the time, the rest hardly ever.
let step = 0;
function use(): void {
  accessed.fill(1, 0, 512);
  for (let i = 0; i < 4; i++) accessed[512 + (((step += 1) * 997) % 3584)] = 1;
}

// How accesses are seen, and what paging out means here. Any method may answer by a promise.
const cache: OperationsSet = {
  name: 'cache',
  addresses: 'physical',
  sees: 'access_checks',
  targets: () => [{ regions: [{ start: 0, end: present.length * BLOCK }] }],
  prepareAccessChecks(_target, addresses) {
    for (const address of addresses) accessed[blockOf(address)] = 0;
    use();
  },
  checkAccesses(_target, addresses, flags) {
    addresses.forEach((address, i) => (flags[i] = accessed[blockOf(address)] ?? 0));
  },
  async apply({ action, start, end }) {
    const blocks = present.subarray(blockOf(start), blockOf(end));
    const held = blocks.reduce((sum, one) => sum + one, 0);
    if (action === 'pageout') blocks.fill(0);
    return { appliedBytes: action === 'pageout' ? held * BLOCK : 0, elapsedNs: held * 10_000 };
  },
};

// A set is registered by its owner; monitors select it by name, and may switch between sets.
const registry = new OperationsRegistry();
const owner = registry.register(cache);
const kdamond = new Kdamond({
  source: { type: 'operations', registry, name: 'cache' },
  attrs: { sampleUs: '5 ms', aggregationUs: '100 ms', minNrRegions: 20, maxNrRegions: 100 },
  schemes: [
    {
      action: 'pageout',
      pattern: { nrAccesses: { max: 0 }, age: { min: 5 } },
      quota: { szBytes: '1 MiB', resetIntervalMs: '1 s' },
    },
  ],
  everyMs: '2 s',
});
for await (const snapshot of kdamond.snapshots({
  untilMs: '8 s',
  onFailure: ({ error }) => console.error(error.message),
})) {
  const held = present.reduce((sum, one) => sum + one, 0) * BLOCK;
  // What was accessed in most of the last hundred milliseconds.
  const used = Array.from(snapshot)
    .filter(({ nrAccesses }) => nrAccesses > 10)
    .reduce((sum, { start, end }) => sum + Number(end - start), 0);
  const [usedMiB, heldMiB] = [used, held].map((bytes) => bytes / 2 ** 20);
  console.log(`${Number(snapshot.timeNs) / 1e9} s: uses ${usedMiB} MiB, holds ${heldMiB} MiB`);
}
console.log(
  'balanced:',
  balance(kdamond.books).every(({ offBy }) => offBy === 0n),
);

// The owner goes: the monitor keeps the set until it lets go, and nobody else gets it.
console.log(
  'gone with its owner:',
  owner.close(),
  '- with its monitor:',
  (kdamond.close(), owner.close()),
);
