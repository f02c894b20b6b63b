// What we ask of Node and Rust, and how we say no. Pure, no imports; parses on any Node since 12.
//
// The minimums repeat `engines` in package.json and `rust-version` in Cargo.toml;
// `__test__/scripts/versions.spec.ts` keeps the three in step.

/** The lowest version we take of the older line of Node, and the lowest of all that came after. */
export const NODE_MINIMUMS = { 20: '20.19.0', later: '22.12.0' };

/** The oldest compiler that builds the crates. */
export const RUST_MINIMUM = '1.89.0';

/**
 * Reads the first `x.y` or `x.y.z` in a text such as `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
 *
 * @param {string} text
 * @returns {[number, number, number] | undefined}
 */
export function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] || 0)] : undefined;
}

/**
 * @param {string} found
 * @param {string} minimum
 * @returns {boolean} false also when `found` holds no version at all
 */
export function atLeast(found, minimum) {
  const have = parseVersion(found);
  const want = parseVersion(minimum);
  if (!have || !want) return false;
  const difference = have[0] - want[0] || have[1] - want[1] || have[2] - want[2];
  return difference >= 0;
}

/**
 * @param {string} found the running version, as in `process.versions.node`
 * @returns {string | undefined} one line for the user, or nothing when the version will do
 */
export function nodeComplaint(found) {
  const minimum = found.startsWith('20.') ? NODE_MINIMUMS[20] : NODE_MINIMUMS.later;
  if (atLeast(found, minimum)) return undefined;
  const wanted = `${short(NODE_MINIMUMS[20])}+ or ${short(NODE_MINIMUMS.later)}+`;
  return `node-damon needs Node.js ${wanted}, but this is ${found}: install it from https://nodejs.org`;
}

/**
 * @param {string} tool `cargo` or `rustc`
 * @param {string | undefined} found what `tool --version` printed; nothing when the tool is missing
 * @returns {string | undefined}
 */
export function rustComplaint(tool, found) {
  const need = `node-damon needs Rust ${short(RUST_MINIMUM)} or newer to build its core`;
  if (found === undefined) {
    return `${need}, but \`${tool}\` is not on the PATH: install it from https://rustup.rs`;
  }
  if (atLeast(found, RUST_MINIMUM)) return undefined;
  return `${need}, but found ${found}: run \`rustup update\`, or install it from https://rustup.rs`;
}

/** @param {string} version */
function short(version) {
  return version.replace(/\.0$/, '');
}
