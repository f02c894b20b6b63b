/**
 * The part of the page about a placement study: a table whose throughputs are drawn with their
 * intervals, and the hot memory on the fast node over time with its band.
 */
import { formatNumber } from '../format.ts';
import { meanBand } from '../interval.ts';
import {
  type PlacementCase,
  type PlacementRecord,
  type PlacementSummary,
  summarizePlacement,
} from '../placement.ts';
import { PLACEMENT_HEAD, describeRemarks, placementCells } from '../terminal-placement.ts';
import { describeStudy } from '../terminal-study.ts';
import { COLORS, bandBlock } from './bands.ts';
import { scroll, unbroken } from './blocks.ts';
import { groupHeading, groupsOf } from './group.ts';
import { comparisonBlock } from './comparison.ts';
import type { PageData } from './data.ts';
import { html, type Markup } from './markup.ts';

const PERCENT = 100;

export function placementPart(record: PlacementRecord, heading: string, data: PageData): Markup {
  const summaries = summarizePlacement(record);
  return html`<section class="part" aria-labelledby="placement">
    <h2 id="placement">${heading}</h2>
    <p class="lede">${unbroken(record.machine.join(' · '))}</p>
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
      fast node; hot: how much is there later, with its standard deviation in a run; CPU: time per
      second that sampling, schemes or a policy took, and waiting for pages on their way. Drawn:
      throughput from 0 to ${formatNumber(scale)} % of the base's; the dot and its bar are the mean
      and its 95 % interval, the line is the base.
    </p>
    ${scroll(
      title,
      html`<table class="many">
        <thead>
          <tr>
            <th scope="col">Case</th>
            ${PLACEMENT_HEAD.map((name) => html`<th scope="col" class="n">${name}</th>`)}
            <th scope="col" class="meter">Throughput, drawn</th>
          </tr>
        </thead>
        ${groupsOf(summaries).map(
          ({ group, members }) =>
            html`<tbody>
              ${groupHeading(`${group} (base: ${baselines[group] ?? ''})`)}
              ${members.map(
                (summary) =>
                  html`<tr${summary.name === baselines[group] && html` class="other"`}>
                    <th scope="row">${unbroken(summary.name)}</th>
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
  const plot = {
    series: `placement${id}`,
    title: what,
    what: 'Hot memory on the fast node',
    lines: cases.map(({ name, runs }) => ({
      name,
      band: meanBand(runs.map(({ hotPercent }) => hotPercent)),
    })),
    seeds: Math.max(...cases.map(({ runs }) => runs.length)),
    read: 'last' as const,
    // Cases of one group may be parted between plots: all have one scale.
    whole: true,
  };
  return bandBlock(plot, data);
}
