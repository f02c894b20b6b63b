import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../../src/errors.ts';
import {
  type AccessReport,
  type ReportColumns,
  UNDATED,
  VIRTUAL,
  WRITE,
  checkColumns,
  checkAddresses,
  reportWords,
} from '../../src/live/report.ts';
import { holds } from '../support/property.ts';

const U32 = 2 ** 32 - 1;
const SAFE = Number.MAX_SAFE_INTEGER;
const U64 = 2n ** 64n - 1n;

const wide = (low: number, high: number) => BigInt(low) | (BigInt(high) << 32n);

/** The error's place. */
function pathOf(call: () => unknown): string | undefined {
  try {
    call();
    return 'taken';
  } catch (error) {
    return error instanceof DamonError && error.code === 'ERR_DAMON_REPORT'
      ? error.path
      : String(error);
  }
}

const report = fc.record(
  {
    address: fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: U64 })),
    size: fc.integer({ min: 1, max: U32 }),
    cpu: fc.integer({ min: 0, max: 65_535 }),
    tid: fc.integer({ min: 0, max: U32 }),
    tgid: fc.integer({ min: 0, max: U32 }),
    write: fc.boolean(),
    virtual: fc.boolean(),
    timeNs: fc.bigInt({ min: 0n, max: U64 }),
  },
  { requiredKeys: ['address'] },
);

test('the words of a report are the report', (t) => {
  holds(t, [report], (given) => {
    const words = reportWords(given);
    const { address, size = 1, cpu = 0, tid = 0, tgid = 0, timeNs } = given;
    const flags = cpu | (given.virtual ? VIRTUAL : 0) | (given.write ? WRITE : 0);
    return (
      wide(words.addressLow, words.addressHigh) === BigInt(address) &&
      wide(words.timeLow, words.timeHigh) === (timeNs ?? 2n ** 63n - 1n) &&
      words.size === size &&
      words.tid === tid &&
      words.tgid === tgid &&
      words.flags === flags
    );
  });
  t.is(wide(UNDATED.low, UNDATED.high), 2n ** 63n - 1n);
});

/** What no 32-bit field takes. */
const NO_INTEGER = [-1, 0.5, NaN, Infinity, U32 + 1, '1', 1n, null, true, {}, [1], Symbol('1')];
const REFUSED: Readonly<Record<keyof AccessReport, readonly unknown[]>> = {
  // prettier-ignore
  address: [
    -1, -0.5, 0.5, NaN, Infinity, -Infinity, SAFE + 1, 2 ** 64, -1n, U64 + 1n, 2n ** 200n,
    '0x1000', '1', null, undefined, true, {}, [0], Symbol('0'),
  ],
  size: [0, ...NO_INTEGER],
  cpu: [65_536, ...NO_INTEGER],
  tid: NO_INTEGER,
  tgid: NO_INTEGER,
  write: [0, 1, 'yes', null, {}],
  virtual: [0, 1, 'yes', null, {}],
  timeNs: [-1n, U64 + 1n, 5, 0.5, '5', null, true],
};

test('a value that no access has is refused by its name', (t) => {
  for (const [path, values] of Object.entries(REFUSED)) {
    for (const received of values) {
      const given = { address: 0, [path]: received } as unknown as AccessReport;
      const error = t.throws(() => reportWords(given), { instanceOf: DamonError });
      t.is(error?.code, 'ERR_DAMON_REPORT');
      t.is(error?.path, path);
      t.is(error?.received, received);
      t.truthy(error?.expected);
    }
  }
  for (const none of [null, undefined, 5, 'x']) {
    t.is(
      pathOf(() => reportWords(none as never)),
      'report',
    );
  }
});

test('the first wrong field is the one that is told', (t) => {
  t.is(
    pathOf(() => reportWords({ address: -1, size: 0, cpu: -1 })),
    'address',
  );
  t.is(
    pathOf(() => reportWords({ address: 1, cpu: -1, tid: -1 })),
    'cpu',
  );
});

test('an object that changes its values while it is read is refused, not misread', (t) => {
  let asked = 0;
  const shifty = {
    get address() {
      asked += 1;
      return asked === 1 ? -1 : 1;
    },
  };
  t.is(
    pathOf(() => reportWords(shifty)),
    'report',
  );
});

test('any number at all is either taken exactly or refused', (t) => {
  const numbers = fc.oneof(fc.double(), fc.bigInt(), fc.integer(), fc.maxSafeInteger());
  holds(t, [numbers], (address) => {
    const isSound =
      typeof address === 'bigint'
        ? address >= 0n && address <= U64
        : Number.isSafeInteger(address) && address >= 0;
    const path = pathOf(() => reportWords({ address }));
    if (!isSound) return path === 'address';
    const { addressLow, addressHigh } = reportWords({ address });
    return path === 'taken' && wide(addressLow, addressHigh) === BigInt(address);
  });
});

const ADDRESSES = Float64Array.of(1, 2, 3);
/** A buffer of a length that can change; not yet in the language that TypeScript knows. */
const resizable = (bytes: number, maxByteLength: number) =>
  Reflect.construct(ArrayBuffer, [bytes, { maxByteLength }]) as ArrayBuffer & {
    resize(bytes: number): void;
  };
const growable = (bytes: number, maxByteLength: number) =>
  Reflect.construct(SharedArrayBuffer, [bytes, { maxByteLength }]) as SharedArrayBuffer & {
    grow(bytes: number): void;
  };

function detached<Column extends Float64Array | Uint32Array>(column: Column): Column {
  structuredClone(column.buffer, { transfer: [column.buffer as ArrayBuffer] });
  return column;
}

test('columns take a value for all or an array for each', (t) => {
  const columns: ReportColumns = {
    addresses: ADDRESSES,
    size: Uint32Array.of(1, 2, 3),
    cpu: Uint16Array.of(1, 2, 3),
    tid: Uint32Array.of(1, 2, 3),
    tgid: Uint32Array.of(1, 2, 3),
    write: Uint8Array.of(0, 1, 2),
    timeNs: BigUint64Array.of(1n, 2n, 3n),
    virtual: true,
  };
  const { virtual: isVirtual, ...rest } = columns;
  t.deepEqual(checkColumns(columns) as unknown, { ...rest, isVirtual });
  const single = { size: 2, cpu: 3, tid: 4, tgid: 5, write: true, timeNs: 6n } as const;
  t.deepEqual(checkColumns({ addresses: ADDRESSES, ...single }) as unknown, {
    addresses: ADDRESSES,
    ...single,
    isVirtual: false,
  });
  t.is(checkColumns({ addresses: new BigUint64Array(0) }).addresses.length, 0);
});

const WRONG_COLUMNS: readonly [path: string, columns: Record<string, unknown>][] = [
  ['addresses', {}],
  ['addresses', { addresses: null }],
  ['addresses', { addresses: [1, 2] }],
  ['addresses', { addresses: Uint32Array.of(1) }],
  ['addresses', { addresses: new BigInt64Array(1) }],
  ['addresses', { addresses: new Float32Array(1) }],
  ['addresses', { addresses: new DataView(new ArrayBuffer(8)) }],
  ['addresses', { addresses: Object.create(Float64Array.prototype) as unknown }],
  ['size', { size: Uint16Array.of(1, 1, 1) }],
  ['size', { size: 0 }],
  ['size', { size: [1, 1, 1] }],
  ['cpu', { cpu: Uint32Array.of(1, 1, 1) }],
  ['cpu', { cpu: 65_536 }],
  ['tid', { tid: Int32Array.of(1, 1, 1) }],
  ['tid', { tid: -1 }],
  ['tgid', { tgid: Float64Array.of(1, 1, 1) }],
  ['tgid', { tgid: 1.5 }],
  ['write', { write: Uint8ClampedArray.of(1, 1, 1) }],
  ['write', { write: 1 }],
  ['timeNs', { timeNs: BigInt64Array.of(1n, 1n, 1n) }],
  ['timeNs', { timeNs: 5 }],
  ['timeNs', { timeNs: -1n }],
  ['virtual', { virtual: 1 }],
  ['size.length', { size: Uint32Array.of(1, 1) }],
  ['cpu.length', { cpu: Uint16Array.of(1, 1, 1, 1) }],
  ['tid.length', { tid: new Uint32Array(0) }],
  ['tgid.length', { tgid: new Uint32Array(4) }],
  ['write.length', { write: new Uint8Array(2) }],
  ['timeNs.length', { timeNs: new BigUint64Array(4) }],
];

test('a column of another kind or length is refused by its name', (t) => {
  for (const [path, columns] of WRONG_COLUMNS) {
    const given = { addresses: ADDRESSES, ...columns };
    if (Object.keys(columns).length === 0) Reflect.deleteProperty(given, 'addresses');
    t.is(
      pathOf(() => checkColumns(given as never)),
      path,
    );
  }
  for (const none of [null, undefined, 5]) {
    t.is(
      pathOf(() => checkColumns(none as never)),
      'columns',
    );
  }
});

test('a column whose memory was transferred or shrunk away is refused', (t) => {
  const gone = detached(Float64Array.of(1, 2, 3));
  t.is(
    pathOf(() => checkColumns({ addresses: gone })),
    'addresses',
  );
  t.is(
    pathOf(() => checkColumns({ addresses: ADDRESSES, tid: detached(Uint32Array.of(1, 2, 3)) })),
    'tid',
  );
  const buffer = resizable(32, 64);
  const fixed = new Float64Array(buffer, 0, 4);
  buffer.resize(16);
  t.is(
    pathOf(() => checkColumns({ addresses: fixed })),
    'addresses',
  );
});

test('a column that follows its buffer has the length of this moment', (t) => {
  const buffer = resizable(16, 64);
  const addresses = new Float64Array(buffer);
  t.is(checkColumns({ addresses }).addresses.length, 2);
  buffer.resize(64);
  t.is(checkColumns({ addresses }).addresses.length, 8);
  t.is(
    pathOf(() => checkColumns({ addresses, tid: new Uint32Array(2) })),
    'tid.length',
  );
  buffer.resize(0);
  t.is(checkColumns({ addresses }).addresses.length, 0);
});

test('columns in shared memory are copied, once and before their lengths are compared', (t) => {
  const memory = growable(24, 1024);
  const addresses = new Float64Array(memory);
  addresses.set([1, 2, 3]);
  const own = checkColumns({ addresses });
  addresses[0] = -1;
  t.is(own.addresses[0], 1);
  t.false(own.addresses.buffer instanceof SharedArrayBuffer);
  memory.grow(1024);
  t.is(own.addresses.length, 3);
  const tid = new Uint32Array(new SharedArrayBuffer(8));
  t.is(
    pathOf(() => checkColumns({ addresses: ADDRESSES, tid })),
    'tid.length',
  );
});

test('a number among addresses or sizes that cannot be meant is refused by its index', (t) => {
  for (const bad of [-1, 0.5, NaN, Infinity, SAFE + 1]) {
    const checked = checkColumns({ addresses: Float64Array.of(1, 2, bad) });
    t.is(
      pathOf(() => checkAddresses(checked)),
      'addresses[2]',
    );
  }
  const size = Uint32Array.of(1, 0, 1);
  t.is(
    pathOf(() => checkColumns({ addresses: ADDRESSES, size })),
    'size[1]',
  );
  t.notThrows(() => checkAddresses(checkColumns({ addresses: BigUint64Array.of(U64) })));
});
