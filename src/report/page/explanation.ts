/** The block that tells why a scheme did what it did: what it was allowed and did, and where the rest went. */
import {
  NO_ROUND,
  OUTCOMES,
  type Outcome,
  type Stretch,
  mainObstacle,
  meanScoreBp,
  walked,
} from '../explanation.ts';
import {
  MIB,
  formatBytes,
  formatCount,
  formatDuration,
  formatReading,
  formatShare,
} from '../format.ts';
import type { Explained } from '../record.ts';
import { timeTicks } from '../ticks.ts';
import { areaKey, canvas, lineKey, scroll } from './blocks.ts';
import { type ExplanationData, type PageData, TIME_LABELS } from './data.ts';
import { html, type Markup } from './markup.ts';

/** Stretches that are drawn; neighbours are summed up where there are more. */
const DRAWN = 240;
/** Rows of the table. */
const ROWS = 24;

/** The colour of each outcome, by its name in the style sheet. */
const COLORS: Readonly<Record<Outcome, string>> = {
  tried: 'series-1',
  noMatch: 'rule',
  filtered: 'truth',
  lowScore: 'series-3',
  quotaFull: 'series-2',
  servedBefore: 'series-4',
  snapshotsDone: 'muted',
};

/** One scheme: two plots and two tables. */
export function explanationBlock(
  series: string,
  explained: Explained,
  scheme: number,
  data: PageData,
): Markup {
  const { explanation, schemes, startNs, endNs, roundsDropped } = explained;
  const total = explanation.total(scheme);
  const name = schemes[scheme] ?? `scheme ${scheme}`;
  if (total === undefined) {
    return html`<section class="block" aria-labelledby="${series}">
      <h3 id="${series}">Why ${name} did nothing</h3>
      <p>${NO_ROUND}</p>
    </section>`;
  }
  data[series] = explanationData(explanation.of(scheme, DRAWN), startNs, endNs);
  const isLimited = total.allowedBytes !== undefined;
  return html`<section class="block" aria-labelledby="${series}">
    <h3 id="${series}">Why ${name} did what it did</h3>
    <p>
      Above, the bytes of a ${isLimited ? 'quota window: allowed, tried,' : 'round: tried,'} and
      with an effect (applied). Below, what became of all regions it came to, by their bytes; each
      round comes to all of them again.
    </p>
    <figure>
      ${canvas('work', series, 'strip', `Bytes that ${name} ${isLimited ? 'was allowed, tried' : 'tried'} and applied, over time.`)}
      <ul class="key">
        ${isLimited && html`<li>${lineKey('line-target', '5 4')} allowed</li>`}
        <li>${lineKey('series-1')} tried</li>
        <li>${areaKey('area-applied')} applied</li>
      </ul>
      ${canvas('outcomes', series, 'strip', describeOutcomes(total))}
      <ul class="key">
        ${occurring(total).map(
          ({ key, title }) => html`<li>${areaKey(`fill-${COLORS[key]}`)} ${title}</li>`,
        )}
      </ul>
    </figure>
    ${outcomeTable(total)} ${stretchTable(explanation.of(scheme, ROWS), startNs)}
    <p>
      By time; where there are many, ${isLimited ? 'windows' : 'rounds'} that follow each other are
      summed up.
      ${
        total.tunings > 0 &&
        'Measured: what the goals read last. Score: the mean over the steps of the tuner; 100 % is a goal that is just met.'
      }
    </p>
    ${
      total.failure &&
      html`<p class="bad">
        ${formatCount(total.failures)} steps without an answer; the quota stayed as it was:
        ${total.failure.message}
      </p>`
    }
    ${
      roundsDropped > 0 &&
      html`<p>${formatCount(roundsDropped)} rounds had to make room and are not told.</p>`
    }
  </section>`;
}

function occurring(total: Stretch): (typeof OUTCOMES)[number][] {
  return OUTCOMES.filter(({ key }) => total[key].regions > 0);
}

function describeOutcomes(total: Stretch): string {
  const all = walked(total).bytes;
  const shares = occurring(total).map(
    ({ key, title }) => `${title} ${formatShare(total[key].bytes / all)}`,
  );
  return `Of all bytes: ${shares.join(', ')}.`;
}

function explanationData(
  stretches: readonly Stretch[],
  startNs: bigint,
  endNs: bigint,
): ExplanationData {
  const seconds = Number(endNs - startNs) / 1e9;
  const isLimited = stretches.some(({ allowedBytes }) => allowedBytes !== undefined);
  const occurs = ({ key }: (typeof OUTCOMES)[number]): boolean =>
    stretches.some((stretch) => stretch[key].regions > 0);
  return {
    seconds,
    ticks: timeTicks(seconds, TIME_LABELS),
    at: stretches.map(({ fromNs }) => rounded(Number(fromNs - startNs) / 1e9)),
    lines: [
      ...(isLimited
        ? [
            {
              name: 'allowed',
              color: 'target',
              look: 'dashed' as const,
              mib: stretches.map((stretch) => perWindow(stretch.allowedBytes ?? 0, stretch)),
            },
          ]
        : []),
      {
        name: 'tried',
        color: 'series-1',
        look: 'line',
        mib: stretches.map((stretch) => perWindow(stretch.tried.bytes, stretch)),
      },
      {
        name: 'applied',
        color: 'good',
        look: 'area',
        mib: stretches.map((stretch) => perWindow(stretch.applied.bytes, stretch)),
      },
    ],
    outcomes: OUTCOMES.filter(occurs).map(({ key, title }) => ({
      name: title,
      color: COLORS[key],
      percent: stretches.map((stretch) => {
        const all = walked(stretch).bytes;
        return all > 0 ? rounded((stretch[key].bytes / all) * 100) : 0;
      }),
    })),
  };
}

function perWindow(bytes: number, { windows }: Stretch): number {
  return rounded(bytes / MIB / Math.max(1, windows));
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function outcomeTable(total: Stretch): Markup {
  const all = walked(total);
  const rows = [
    ...occurring(total).map(({ key, title }) => ({ title, share: total[key] })),
    { title: 'all it came to', share: all },
  ];
  return scroll(
    'Outcomes',
    html`<table>
      <thead>
        <tr>
          <th scope="col">Regions</th>
          <th scope="col" class="n">Times</th>
          <th scope="col" class="n">Bytes</th>
          <th scope="col" class="n">Of all</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ title, share: { regions, bytes } }) =>
            html`<tr>
              <th scope="row">${title}</th>
              <td class="n">${formatCount(regions)}</td>
              <td class="n">${formatBytes(bytes)}</td>
              <td class="n">${formatShare(all.bytes > 0 ? bytes / all.bytes : 0)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}

function stretchTable(stretches: readonly Stretch[], startNs: bigint): Markup {
  const isLimited = stretches.some(({ allowedBytes }) => allowedBytes !== undefined);
  return scroll(
    'Windows',
    html`<table>
      <thead>
        <tr>
          <th scope="col" class="n">From</th>
          <th scope="col" class="n">${isLimited ? 'Windows' : 'Rounds'}</th>
          <th scope="col" class="n">Measured</th>
          <th scope="col" class="n">Score</th>
          <th scope="col" class="n">Allowed</th>
          <th scope="col" class="n">Tried</th>
          <th scope="col" class="n">Applied</th>
          <th scope="col">Then waited</th>
        </tr>
      </thead>
      <tbody>
        ${stretches.map((stretch) => stretchRow(stretch, startNs))}
      </tbody>
    </table>`,
  );
}

function stretchRow(stretch: Stretch, startNs: bigint): Markup {
  const { fromNs, windows, goals, allowedBytes, tried, applied } = stretch;
  const score = meanScoreBp(stretch);
  const obstacle = mainObstacle(stretch);
  return html`<tr>
    <td class="n">${formatDuration(Number(fromNs - startNs) / 1e9)}</td>
    <td class="n">${formatCount(windows)}</td>
    <td class="n">${goals.map(formatReading).join(', ') || '–'}</td>
    <td class="n">${score === undefined ? '–' : formatShare(score / 10_000)}</td>
    <td class="n">${allowedBytes === undefined ? 'no limit' : formatBytes(allowedBytes)}</td>
    <td class="n">${formatBytes(tried.bytes)}</td>
    <td class="n">${formatBytes(applied.bytes)}</td>
    <td>${obstacle ? `${obstacle.title} ${formatBytes(obstacle.bytes)}` : '–'}</td>
  </tr>`;
}
