/**
 * The blocks of the page: each a heading, a sentence, and a plot or a table.
 *
 * Every table is a real one, and every plot has its message in words beside it.
 */

import type { ConvergenceRow } from '../convergence.ts';
import { describeEvent } from '../event.ts';
import {
  formatAddress,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatShare,
  formatSigned,
} from '../format.ts';
import type { Heatmap } from '../heatmap.ts';
import { nodeLabel, type HotRange, type MemoryNode, type WorkingSet } from '../hot-ranges.ts';
import {
  balance,
  type Books,
  type DemoRecord,
  type PublishedResult,
  type RunEvent,
} from '../record.ts';
import type { Counters } from '../counters.ts';
import { describeHeatmap, heatmapData, type PageData } from './data.ts';
import { html, type Markup } from './markup.ts';

export function heatmapBlock(
  series: string,
  heatmap: Heatmap,
  nodes: readonly MemoryNode[],
  data: PageData,
): Markup {
  const map = heatmapData(heatmap, nodes);
  data[series] = map;
  const description = describeHeatmap(map);
  return html`<section class="block" aria-labelledby="${series}">
    <h3 id="${series}">Accesses by address and time</h3>
    <p>Low addresses are on top. Memory that is not monitored is left out.</p>
    <figure>
      ${canvas('heatmap', series, 'map', description)}
      <ul class="key">
        <li><span class="none"></span>no hits</li>
        <li>
          ${formatRate(map.low)} <span class="heat"></span> ${formatRate(map.high)} hits per second
          per MiB, logarithmic
        </li>
        <li><span class="blank"></span>not monitored</li>
      </ul>
      <figcaption>${unbroken(description)}</figcaption>
    </figure>
  </section>`;
}

export function hotRangeBlock(ranges: readonly HotRange[]): Markup {
  return html`<section class="block" aria-labelledby="hot-ranges">
    <h3 id="hot-ranges">Hot ranges</h3>
    <p>Neighbouring regions with about the same access rate, hottest first.</p>
    ${scroll(
      'Hot ranges',
      html`<table>
        <thead>
          <tr>
            <th scope="col" class="n">Start</th>
            <th scope="col" class="n">End</th>
            <th scope="col">Node</th>
            <th scope="col" class="n">Size</th>
            <th scope="col" class="n">Hits/s per MiB</th>
            <th scope="col" class="n">nr_accesses</th>
            <th scope="col" class="n">Age</th>
            <th scope="col" colspan="2">Share of hits</th>
          </tr>
        </thead>
        <tbody>
          ${ranges.map(
            (range) =>
              html`<tr>
                <th scope="row" class="n a">${formatAddress(range.start)}</th>
                <td class="n a">${formatAddress(range.end)}</td>
                <td>${range.node ? nodeLabel(range.node) : '–'}</td>
                <td class="n">${formatBytes(range.szBytes)}</td>
                <td class="n">${formatRate(range.rate)}</td>
                <td class="n">${formatNumber(range.nrAccesses)}</td>
                <td class="n">${formatDuration(range.ageSeconds)}</td>
                <td class="n">${formatShare(range.share)}</td>
                <td class="meter">${bar(range.share)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`,
    )}
  </section>`;
}

export function workingSetBlock(set: WorkingSet): Markup {
  const rows: readonly (readonly [string, number])[] = [
    ...set.shares.map(
      ({ percent, szBytes }) => [`take ${formatNumber(percent)} % of the hits`, szBytes] as const,
    ),
    ['were accessed at all', set.accessedBytes],
    ['are monitored', set.monitoredBytes],
  ];
  return html`<section class="block" aria-labelledby="working-set">
    <h3 id="working-set">Working set</h3>
    <p>The fewest bytes that take a share of the hits.</p>
    ${scroll(
      'Working set',
      html`<table>
        <thead>
          <tr>
            <th scope="col" class="n">Bytes</th>
            <th scope="col">that</th>
            <th scope="col" colspan="2">Share of the monitored memory</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(([label, bytes]) => {
            const share = set.monitoredBytes > 0 ? bytes / set.monitoredBytes : 0;
            return html`<tr>
              <td class="n">${formatBytes(bytes)}</td>
              <th scope="row">${label}</th>
              <td class="n">${formatShare(share)}</td>
              <td class="meter">${bar(share)}</td>
            </tr>`;
          })}
        </tbody>
      </table>`,
    )}
  </section>`;
}

export function convergenceBlock(demo: DemoRecord): Markup {
  const others = demo.published.filter(
    ({ target }) => !demo.rows.some((row) => row.target === target),
  );
  return html`<section class="block" aria-labelledby="convergence">
    <h3 id="convergence">Share over time</h3>
    <p>
      The share that the goal asks for, as its metric sees it and as the simulated machine knows it;
      below, how far the metric is from the target, in percentage points.
    </p>
    <figure>
      ${canvas('share', 'share', '', describeShare(demo.rows))}
      ${canvas('offset', 'share', 'strip', 'The first plot enlarged around the target.')}
      <ul class="key">
        <li>${lineKey('line-share')} goal metric</li>
        <li>${lineKey('line-truth')} true share</li>
        <li>${lineKey('line-target', '5 4')} target</li>
        <li>${areaKey('area-ramp')} ramp</li>
        <li>${areaKey('area-published', 'line-published')} published mean ± stddev</li>
      </ul>
    </figure>
    ${scroll(
      'Convergence',
      html`<table>
        <thead>
          <tr>
            <th scope="col"></th>
            <th scope="col" class="n">Target</th>
            <th scope="col" class="n">Mean</th>
            <th scope="col" class="n">Offset</th>
            <th scope="col" class="n">Stddev</th>
            <th scope="col" class="n">Ramp</th>
            <th scope="col" class="n">Overshoot</th>
          </tr>
        </thead>
        <tbody>
          ${demo.rows.map((row) => [
            convergenceRow(row),
            demo.published.filter(({ target }) => target === row.target).map(publishedRow),
          ])}
          ${others.map(publishedRow)}
        </tbody>
      </table>`,
    )}
  </section>`;
}

function describeShare(rows: readonly ConvergenceRow[]): string {
  return rows
    .map(({ target, fromSecond, rampSeconds, mean }) => {
      const start = `From ${formatDuration(fromSecond)} the target is ${formatNumber(target)} %, `;
      return rampSeconds === null || mean === null
        ? `${start}which is not reached.`
        : `${start}reached after ${formatDuration(rampSeconds)} and then held at ${mean.toFixed(2)} % on average.`;
    })
    .join(' ');
}

function convergenceRow(row: ConvergenceRow): Markup {
  return html`<tr>
    <th scope="row">This run, from ${formatDuration(row.fromSecond)}</th>
    <td class="n">${formatNumber(row.target)} %</td>
    <td class="n">${row.mean === null ? '–' : formatPercent(row.mean, 2)}</td>
    <td class="n">${row.offset === null ? '–' : formatSigned(row.offset)}</td>
    <td class="n">${orDash(row.stddev)}</td>
    <td class="n">${row.rampSeconds === null ? 'not reached' : formatDuration(row.rampSeconds)}</td>
    <td class="n">${orDash(row.overshoot)}</td>
  </tr>`;
}

function orDash(value: number | null): string {
  return value?.toFixed(2) ?? '–';
}

function publishedRow({ target, mean, stddev }: PublishedResult): Markup {
  return html`<tr class="other">
    <th scope="row">Published</th>
    <td class="n">${formatNumber(target)} %</td>
    <td class="n">${formatPercent(mean, 2)}</td>
    <td class="n">${formatSigned(mean - target)}</td>
    <td class="n">${stddev.toFixed(2)}</td>
    <td class="n">–</td>
    <td class="n">–</td>
  </tr>`;
}

export function quotaBlock({ quotas = [] }: DemoRecord, step: number): Markup {
  const averaged = step > 1 ? ` Each step is the mean of ${step} s.` : '';
  return html`<section class="block" aria-labelledby="quotas">
    <h3 id="quotas">Effective quota of each scheme</h3>
    <p>What the tuner lets each scheme act on in a reset interval.${averaged}</p>
    <figure>
      ${canvas('quotas', 'quotas', 'strip', `Effective quotas of ${quotas.map(({ name }) => name).join(', ')} over time.`)}
      <ul class="key">
        ${quotas.map(({ name }, i) => html`<li>${lineKey(`series-${(i % 4) + 1}`)} ${name}</li>`)}
      </ul>
    </figure>
  </section>`;
}

export function eventsBlock(events: readonly RunEvent[]): Markup {
  return html`<section class="block" aria-labelledby="events">
    <h3 id="events">Changes on the way</h3>
    <ul>
      ${events.map((event) => html`<li>${describeEvent(event)}</li>`)}
    </ul>
  </section>`;
}

export function booksBlock(books: Books): Markup {
  return html`<section class="block">
    <h3>Books</h3>
    <p>Every access report that went in must have come out, or be counted where it was lost.</p>
    <div class="books">
      ${scroll(
        'Counters',
        html`<table>
          <tbody>
            ${counterRows(books.counters, 0)}
          </tbody>
        </table>`,
      )}
      <ul class="equations">
        ${balance(books).map(({ equation, left, right, offBy }) => {
          const good = offBy === 0n;
          return html`<li>
            <strong class="mark ${good ? 'good' : 'bad'}" aria-hidden="true"
              >${good ? '✓' : '✗'}</strong
            >
            ${sentence(equation.name)}
            ${!good && html`<strong class="bad">(off by ${formatCount(offBy)})</strong>`}
            <span>${equation.left.join(' + ')} = ${equation.right.join(' + ')}</span>
            <span class="numbers"
              >${left.map(formatCount).join(' + ')} ${good ? '=' : '≠'}
              ${right.map(formatCount).join(' + ')}</span
            >
          </li>`;
        })}
      </ul>
    </div>
  </section>`;
}

function counterRows(counters: Counters, depth: number): Markup[] {
  const indent = `depth-${Math.min(depth, 3)}`;
  return Object.entries(counters).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const label = html`<span class="${indent}">${name}</span>`;
    if (typeof value !== 'object') {
      return [
        html`<tr>
          <th scope="row">${label}</th>
          <td class="n">${formatCount(value)}</td>
        </tr>`,
      ];
    }
    const style = depth === 0 ? 'group' : '';
    const group = html`<tr class="${style}">
      <th scope="rowgroup" colspan="2">${label}</th>
    </tr>`;
    return [group].concat(counterRows(value, depth + 1));
  });
}

/** What a page may have to say of its words. */
const MEANINGS = {
  hit: 'An access report credited to the region it fell into.',
  'hits/s per MiB': 'The access rate: hits per second, divided by the size of the memory.',
  nr_accesses: 'Sampling intervals of the last aggregation in which a region was seen accessed.',
  age: 'How long the access rate of a region has stayed about the same.',
  ramp: 'From a new target to the first second in which the share reaches it.',
  'offset, stddev':
    'Mean minus target, and sample standard deviation, after the ramp; in percentage points.',
} as const;

/** A word that is explained. */
export type Word = keyof typeof MEANINGS;

/** The words that the parts of a page use. */
export function glossary(used: ReadonlySet<Word>): Markup | false {
  if (used.size === 0) return false;
  const words = (Object.keys(MEANINGS) as Word[]).filter((word) => used.has(word));
  return html`<section class="part" aria-labelledby="words">
    <h2 id="words">Words</h2>
    <dl class="glossary">
      ${words.map(
        (word) =>
          html`<dt>${word}</dt>
            <dd>${MEANINGS[word]}</dd>`,
      )}
    </dl>
  </section>`;
}

export function canvas(kind: string, series: string, size: string, description: string): Markup {
  return html`<div class="plot ${size}">
    <canvas
      data-kind="${kind}"
      data-series="${series}"
      role="img"
      aria-label="${description}"
    ></canvas>
  </div>`;
}

/** A wide table that scrolls by itself, by keyboard too. */
export function scroll(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    ${content}
  </div>`;
}

function bar(share: number): Markup {
  const width = formatNumber(share * 100);
  return html`<svg class="bar" width="100%" height="8" aria-hidden="true">
    <rect class="track" width="100%" height="100%" rx="2" />
    <rect class="fill" width="${width}%" height="100%" rx="2" />
  </svg>`;
}

export function lineKey(style: string, dashes = 'none'): Markup {
  return html`<svg class="${style}" width="22" height="8" aria-hidden="true">
    <line x1="0" y1="4" x2="22" y2="4" stroke-width="2" stroke-dasharray="${dashes}" />
  </svg>`;
}

export function areaKey(style: string, line?: string): Markup {
  return html`<svg width="22" height="12" aria-hidden="true">
    <rect class="${style}" width="22" height="12" rx="2" />
    ${line && html`<line class="${line}" x1="0" y1="6" x2="22" y2="6" />`}
  </svg>`;
}

/** Keeps each number and its unit on one line. */
export function unbroken(text: string): string {
  return text.replace(/(?<=\d) (?=[a-zA-Zµ%])/g, '\u00a0');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
