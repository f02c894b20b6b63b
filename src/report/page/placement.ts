/**
 * The part of the page about a placement study: a table whose throughputs are drawn with their
 * intervals, and the hot memory on the fast node over time with its band.
 */
import { formatDuration, formatNumber } from '../format.ts';
import { meanBand } from '../interval.ts';
import {
  type PlacementCase,
  type PlacementRecord,
  type PlacementSummary,
  summarizePlacement,
} from '../placement.ts';
import { PLACEMENT_HEAD, describeRemarks, placementCells } from '../terminal-placement.ts';
import { describeStudy } from '../terminal-study.ts';
import { canvas, lineKey, scroll } from './blocks.ts';
import { groupHeading, groupsOf } from './group.ts';
import { comparisonBlock } from './comparison.ts';
import { type PageData, bandData } from './data.ts';
import { html, type Markup } from './markup.ts';

const PERCENT = 100;
/** Colours of series. */
const COLORS = 4;

export function placementPart(record: PlacementRecord, data: PageData): Markup {
  const summaries = summarizePlacement(record);
  return html`<section class="part" aria-labelledby="placement">
    <h2 id="placement">${record.title}</h2>
    <p class="lede">${record.machine.join(' · ')}</p>
    <p class="lede">${describeStudy(record)}</p>
    ${tableBlock(record, summaries)} ${comparisonBlock(record)}
    ${plots(record.cases).map((plot) => plotBlock(plot, data))}
  </section>`;
}

function tableBlock(
  { baselines }: PlacementRecord,
  summaries: readonly PlacementSummary[],
): Markup {
  const scale = Math.max(
    PERCENT,
    ...summaries.map(({ opsPercent }) => (opsPercent?.mean ?? 0) + (opsPercent?.halfWidth ?? 0)),
  );
  const title = 'Who placed pages how well';
  return html`<section class="block" aria-labelledby="placement-table">
    <h3 id="placement-table">${title}</h3>
    <p>
      Means over the seeds. Lag and ramp: time until half, and 90 %, of the hot memory was on the
      fast node; hot: how much is there later, with its standard deviation in a run; CPU: time of
      sampler and policy per second. Drawn: throughput from 0 to ${formatNumber(scale)} % of the
      base's; the dot and its bar are the mean and its 95 % interval, the line is the base.
    </p>
    ${scroll(
      title,
      html`<table>
        <thead>
          <tr>
            <th scope="col">Case</th>
            ${PLACEMENT_HEAD.map((name) => html`<th scope="col" class="n">${name}</th>`)}
            <th scope="col">Throughput</th>
          </tr>
        </thead>
        ${groupsOf(summaries).map(
          ({ group, members }) =>
            html`<tbody>
              ${groupHeading(`${group} (base: ${baselines[group] ?? ''})`)}
              ${members.map(
                (summary) =>
                  html`<tr${summary.name === baselines[group] && html` class="other"`}>
                    <th scope="row">${summary.name}</th>
                    ${placementCells(summary).map((cell) => html`<td class="n">${cell}</td>`)}
                    <td class="meter">${throughput(summary, scale)}</td>
                  </tr>`,
              )}
            </tbody>`,
        )}
      </table>`,
    )}
    ${summaries.flatMap(describeRemarks).map((remark) => html`<p>${remark}</p>`)}
  </section>`;
}

/** Throughput on a line from 0 to `scale`. */
function throughput({ opsPercent }: PlacementSummary, scale: number): Markup | false {
  if (opsPercent === undefined) return false;
  const x = (percent: number): string => `${formatNumber((percent / scale) * PERCENT)}%`;
  const { mean, halfWidth } = opsPercent;
  const half = halfWidth ?? 0;
  return html`<svg class="interval" width="100%" height="16" aria-hidden="true">
    <line class="zero" x1="${x(PERCENT)}" x2="${x(PERCENT)}" y1="0" y2="16" />
    <line class="bar" x1="${x(Math.max(0, mean - half))}" x2="${x(mean + half)}" y1="8" y2="8" />
    <circle class="dot" cx="${x(mean)}" cy="8" r="3" />
  </svg>`;
}

/** A plot of cases of one group. */
interface Plot {
  readonly id: string;
  readonly what: string;
  readonly cases: readonly PlacementCase[];
}

/** As many cases to a plot as there are colours. */
function plots(cases: readonly PlacementCase[]): Plot[] {
  const run = cases.filter(({ runs }) => runs.length > 0);
  return groupsOf(run).flatMap(({ group, members }, place) => {
    const count = Math.ceil(members.length / COLORS);
    return Array.from({ length: count }, (_, part) => ({
      id: `${place}-${part}`,
      what: `Hot memory on the fast node: ${group}${count > 1 ? ` (${part + 1} of ${count})` : ''}`,
      cases: members.slice(part * COLORS, (part + 1) * COLORS),
    }));
  });
}

function plotBlock({ id, what, cases }: Plot, data: PageData): Markup {
  const series = `placement${id}`;
  const lines = cases.map(({ name, runs }, i) => ({
    name,
    color: i + 1,
    band: meanBand(runs.map(({ hotPercent }) => hotPercent)),
  }));
  // Cases of one group may be parted between plots: all have one scale.
  const bands = { ...bandData(lines), whole: true };
  data[series] = bands;
  const description = `${what}, over ${formatDuration(bands.seconds)}, with its 95 % interval.`;
  return html`<section class="block" aria-labelledby="${series}">
    <h3 id="${series}">${what}</h3>
    <figure>
      ${canvas('bands', series, '', description)}
      <ul class="key">
        ${bands.lines.map((line) => html`<li>${lineKey(`series-${line.color}`)} ${line.name}</li>`)}
        <li>band: 95 % interval of the mean over the seeds</li>
      </ul>
    </figure>
  </section>`;
}
