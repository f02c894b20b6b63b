import test from 'ava';

import { built, refuses } from './built.ts';

function regions(bounds: readonly (readonly [start: string, end: string])[], target = 0): string {
  const lines = bounds.map(
    ([start, end], index) => `
      echo ${start} > targets/${target}/regions/${index}/start
      echo ${end} > targets/${target}/regions/${index}/end
    `,
  );
  return `
    echo ${target + 1} > targets/nr_targets
    echo ${bounds.length} > targets/${target}/regions/nr_regions
    ${lines.join('\n')}
  `;
}

test('targets are taken with their processes and regions', async (t) => {
  const { targets } = await built(`
    echo vaddr > operations
    ${regions(
      [
        ['4096', '8192'],
        ['8192', '0x4000'],
      ],
      1,
    )}
    echo 77 > targets/0/pid_target
    echo Y > targets/1/obsolete_target
  `);
  t.deepEqual(targets, [
    { pid: 77, obsolete: false, regions: [] },
    {
      pid: 0,
      obsolete: true,
      regions: [
        { start: 4096n, end: 8192n },
        { start: 8192n, end: 16_384n },
      ],
    },
  ]);
});

test('regions go up, apart, and are not empty once they are aligned', async (t) => {
  const max = '18446744073709551615';
  const wrong: readonly [path: string, bounds: readonly (readonly [string, string])[]][] = [
    // As they are when new.
    ['0/end', [['0', '0']]],
    ['0/end', [['4096', '4096']]],
    ['0/end', [['4097', '4096']]],
    ['0/end', [['8192', '4096']]],
    // Alignment would make something of it.
    ['0/end', [['100', '50']]],
    // The end is aligned beyond 64 bits, to 0.
    ['0/end', [['0', max]]],
    ['0/end', [['4096', max]]],
    [
      '1/start',
      [
        ['0', '8192'],
        ['4096', '12288'],
      ],
    ],
    [
      '1/start',
      [
        ['8192', '12288'],
        ['0', '4096'],
      ],
    ],
    // Apart by 96 bytes, which alignment takes away.
    [
      '1/start',
      [
        ['0', '4097'],
        ['4193', '8192'],
      ],
    ],
  ];
  for (const [path, bounds] of wrong) {
    await refuses(t, 'EINVAL', `targets/0/regions/${path}`, regions(bounds));
  }
  const right: readonly (readonly (readonly [string, string])[])[] = [
    [['0', '1']],
    [['4095', '4096']],
    [['100', '100']],
    [['0', '18446744073709547520']],
    [
      ['1', '4095'],
      ['4096', '8192'],
    ],
  ];
  for (const bounds of right) {
    const { targets } = await built(regions(bounds));
    t.deepEqual(
      targets[0]?.regions,
      bounds.map(([start, end]) => ({ start: BigInt(start), end: BigInt(end) })),
    );
  }
});

test('regions are aligned to what a page is in address units', async (t) => {
  const touching = regions([
    ['0', '9'],
    ['9', '16'],
  ]);
  await refuses(t, 'EINVAL', 'targets/0/regions/1/start', `${touching} \n echo 512 > addr_unit`);
  t.is((await built(`${touching} \n echo 4096 > addr_unit`)).addrUnit, 4096n);
  t.is((await built(`${touching} \n echo 18446744073709551615 > addr_unit`)).targets.length, 1);
  await refuses(
    t,
    'EINVAL',
    'targets/0/regions/1/start',
    `${touching} \n echo vaddr > operations \n echo 4096 > addr_unit`,
  );
});

test('an address unit must leave a power of two of a page, of physical memory', async (t) => {
  for (const unit of [3, 5, 6, 100, 1000, 4095].filter((u) => !isPower(Math.floor(4096 / u)))) {
    await refuses(t, 'EINVAL', 'addr_unit', `echo ${unit} > addr_unit`);
  }
  for (const unit of [1, 2, 1024, 2049, 3000, 4095, 4096, 4097]) {
    t.is((await built(`echo ${unit} > addr_unit`)).addrUnit, BigInt(unit));
    t.true(isPower(Math.max(1, Math.floor(4096 / unit))), `${unit}`);
  }
  t.is((await built('echo 3 > addr_unit \n echo vaddr > operations')).addrUnit, 3n);
  await refuses(t, 'EINVAL', 'addr_unit', 'echo 3 > addr_unit \n echo paddr_ibs > operations');
  // Regions are not the matter then.
  await refuses(t, 'EINVAL', 'addr_unit', `echo 3 > addr_unit \n ${regions([['0', '1']])}`);
});

function isPower(value: number): boolean {
  return Number.isInteger(Math.log2(value));
}

test('physical memory is one target at most', async (t) => {
  for (const operations of ['paddr', 'paddr_ibs']) {
    const script = `echo ${operations} > operations`;
    await refuses(t, 'EINVAL', 'targets/nr_targets', `${script} \n echo 2 > targets/nr_targets`);
    t.is((await built(`${script} \n echo 1 > targets/nr_targets`)).targets.length, 1);
  }
  for (const operations of ['vaddr', 'fvaddr']) {
    const script = `echo ${operations} > operations \n echo 2 > targets/nr_targets`;
    t.is((await built(script)).targets.length, 2);
  }
});
