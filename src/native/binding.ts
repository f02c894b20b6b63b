/**
 * The one importer of the addon.
 *
 * Loads it on first use, so that importing the package works, and its errors can be caught, where
 * the addon is missing. The generated loader is CommonJS because only `require` can load lazily
 * and still answer at once.
 */
import { createRequire } from 'node:module';

import type * as Addon from '../../native/binding.cjs';
import { DamonError } from '../errors.ts';

/** All that the addon exports, as declared by the build of it. */
export type NativeBinding = typeof Addon;

// Both paths hold from src/native and from dist/native.
const require = createRequire(import.meta.url);
const LOADER = '../../native/binding.cjs';
const MANIFEST = '../../package.json';

let loaded: NativeBinding | undefined;

/**
 * The addon; loaded and checked by the first call, free after that.
 *
 * @throws DamonError `ERR_DAMON_NATIVE_LOAD` when there is none for this machine,
 *   `ERR_DAMON_NATIVE_VERSION` when it is not the one that belongs to this package.
 */
export function native(): NativeBinding {
  loaded ??= loadNative(() => require(LOADER) as NativeBinding, packageVersion());
  return loaded;
}

/**
 * Where the addon lies: what a native sampler in the same process gives to `dlopen`, to find the
 * functions of `node_damon.h`. `undefined` where the system does not tell.
 *
 * @example
 * ```ts
 * import { libraryPath } from 'node-damon';
 *
 * console.log(`cc sampler.c ${libraryPath()}`);
 * ```
 *
 * @throws DamonError as {@link native}
 */
export function libraryPath(): string | undefined {
  return native().libraryPath() ?? undefined;
}

/** The version in package.json: of the package, and of the addon that it takes. */
export function packageVersion(): string {
  return (require(MANIFEST) as { version: string }).version;
}

/**
 * Loads an addon and makes sure that it is the right one. Apart from {@link native} for the tests,
 * which bring their own `load`.
 */
export function loadNative<Loaded extends Pick<NativeBinding, 'version'>>(
  load: () => Loaded,
  expected: string,
): Loaded {
  let addon: Loaded;
  try {
    addon = load();
  } catch (cause) {
    throw new DamonError(
      `The native addon could not be loaded on ${platform()} with Node.js ${process.versions.node}; ` +
        `looked for ${wanted()}`,
      {
        code: 'ERR_DAMON_NATIVE_LOAD',
        hint:
          'in a checkout, run `npm run build`; as a dependency, delete node_modules and the lock file ' +
          'and install again without leaving out optional packages',
        cause,
      },
    );
  }

  const received = addon.version();
  if (received === expected) return addon;
  throw new DamonError(`The native addon has version ${received}, the package ${expected}`, {
    code: 'ERR_DAMON_NATIVE_VERSION',
    expected,
    received,
    hint: 'the addon is left over from another version: run `npm run build`, or install again',
  });
}

/** Such as `linux x64 (glibc 2.36)`. */
function platform(): string {
  const libc = libcName();
  return `${process.platform} ${process.arch}${libc === undefined ? '' : ` (${libc})`}`;
}

function libcName(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Node's report names the glibc it runs on; where it names none, the libc is musl.
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? 'musl' : `glibc ${version}`;
}

/** What the generated loader tries, in its order. */
function wanted(): string {
  const own = process.env['NAPI_RS_NATIVE_LIBRARY_PATH'];
  if (own) return `${own} (NAPI_RS_NATIVE_LIBRARY_PATH)`;
  const abi = { linux: libcName() === 'musl' ? '-musl' : '-gnu', win32: '-msvc' };
  const suffix = abi[process.platform as keyof typeof abi] ?? '';
  const target = `${process.platform}-${process.arch}${suffix}`;
  return `native/node-damon.${target}.node and the package node-damon-${target}`;
}
