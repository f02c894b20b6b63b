// Subjects measured in turn, round by round, so that whatever drifts hits all of them: the twin of
// benches/src/measure.rs, with the same rows.

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {boolean} ours
 * @property {() => Promise<bigint>} round does the work of a round; resolves to the nanoseconds of
 *   its timed part
 */

/**
 * @typedef {object} Row
 * @property {string} scenario
 * @property {Record<string, string | number>} params
 * @property {string} subject
 * @property {number} nsPerItem
 * @property {[number, number]} spread
 * @property {string | null} rival
 * @property {number | null} ratio
 */

/**
 * Rounds before those that count: the compiler takes a few thousand calls to make up its mind.
 */
const WARM_UP = 30;

/**
 * @param {{ scenario: string, params: Record<string, string | number>, rounds: number, items: number }} plan
 * @param {Subject[]} subjects
 * @returns {Promise<Row[]>}
 */
export async function race({ scenario, params, rounds, items }, subjects) {
  /** @type {number[][]} */
  const costs = subjects.map(() => []);
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      const ns = Number(await subject.round()) / items;
      if (round >= 0) costs[i]?.push(ns);
    }
  }
  const base = (/** @type {number} */ i) => ({
    scenario,
    params,
    subject: subjects[i]?.name ?? '',
    nsPerItem: rounded(median(costs[i] ?? [])),
    spread: spread(costs[i] ?? []),
  });
  /** @type {Row[]} */
  const rows = [];
  for (const [i, subject] of subjects.entries()) {
    if (!subject.ours) rows.push({ ...base(i), rival: null, ratio: null });
    for (const [j, rival] of subjects.entries()) {
      if (!subject.ours || rival.ours) continue;
      const ratios = (costs[j] ?? []).map((cost, k) => cost / (costs[i]?.[k] ?? NaN));
      rows.push({ ...base(i), rival: rival.name, ratio: rounded(median(ratios)) });
    }
  }
  return rows;
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]];
  return (low + high) / 2;
}

/**
 * @param {readonly number[]} values
 * @returns {[number, number]}
 */
function spread(values) {
  return [rounded(Math.min(...values)), rounded(Math.max(...values))];
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 1_000) / 1_000;
}
