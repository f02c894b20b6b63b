/**
 * The part of the page about a study: a table whose intervals are drawn, and the mean share of each
 * case over time with its band.
 */
import { formatBytes, formatNumber, formatSigned } from '../format.ts';
import {
  type CaseSummary,
  type NodeSummary,
  type StudyCase,
  type StudyRecord,
  shareBand,
  summarize,
} from '../study.ts';
import { describeStudy, describeVersus, overshoot, withInterval } from '../terminal-study.ts';
import { bandBlock } from './bands.ts';
import { scroll, unbroken } from './blocks.ts';
import type { BandTarget, PageData } from './data.ts';
import { differenceLine } from './difference.ts';
import { groupsOf } from './group.ts';
import { html, type Markup } from './markup.ts';

/** Most plots: a study of many cases is told by its table. */
const PLOTS_MAX = 8;

export function studyPart(study: StudyRecord, heading: string, data: PageData): Markup {
  const summaries = summarize(study.cases);
  const names = [...new Set(study.cases.map(({ name }) => name))];
  const plotted = names.length > PLOTS_MAX ? [] : names.flatMap((name) => plots(name, study.cases));
  return html`<section class="part" aria-labelledby="study">
    <h2 id="study">${heading}</h2>
    <p class="lede">${unbroken(study.machine.join(' · '))}</p>
    <p class="lede">${describeStudy(study)}</p>
    ${tableBlock(summaries)} ${plotted.map((shown, i) => plotBlock(shown, i, data))}
  </section>`;
}

function tableBlock(summaries: readonly CaseSummary[]): Markup {
  const scale = largestReach(summaries);
  return html`<section class="block" aria-labelledby="study-table">
    <h3 id="study-table">How well each share was held</h3>
    <p>
      Means over the seeds. A ramp ends one size quota from the target; behind the slash stands the
      least that the size quotas allow without moving anything twice. Overshoot: the largest of any
      run as the metric reads it, and behind the slash of the memory that really lay there. Drawn:
      the offset from the target in percentage points, from ${formatSigned(-scale, 1)} to
      ${formatSigned(scale, 1)}; the dot and its bar are the mean and its 95 % interval, the pale
      band is the standard deviation in a run.
    </p>
    ${scroll(
      'How well each share was held',
      html`<table class="many">
        <thead>
          <tr>
            <th scope="col">Case</th>
            <th scope="col">By</th>
            <th scope="col">Node</th>
            <th scope="col" class="n">Mean</th>
            <th scope="col" class="n">Offset</th>
            <th scope="col" class="n">Stddev</th>
            <th scope="col" class="n">Overshoot / true</th>
            <th scope="col" class="n">Ramp / least</th>
            <th scope="col" class="n">Moved/s</th>
            <th scope="col" class="meter">Offset, drawn</th>
          </tr>
        </thead>
        ${groupsOf(summaries.map((summary) => ({ group: summary.name, summary }))).map(
          ({ group, members }) => {
            const cases = members.map(({ summary }) => summary);
            return html`<tbody>
              ${groupRows(group, cases, scale)}
            </tbody>`;
          },
        )}
      </table>`,
    )}
    ${summaries.map(
      ({ name, controller, notReached, runs, nodes }) =>
        notReached > 0 &&
        nodes.length > 0 &&
        html`<p>
          ${name}, ${controller}: the target was not reached in ${notReached} of ${runs} runs, which
          count in nothing else.
        </p>`,
    )}
    ${summaries.map(
      ({ name, controller, versus }) =>
        versus && html`<p>${name}: ${describeVersus(controller, versus)}.</p>`,
    )}
  </section>`;
}

/** The rows of a name, which stands beside all of them. */
function groupRows(name: string, summaries: readonly CaseSummary[], scale: number): Markup[] {
  const rows = [
    ...summaries.flatMap((summary) => caseCells(summary, scale)),
    ...summaries.slice(-1).flatMap((summary) => publishedCells(summary, scale)),
  ];
  const heading = html`<th scope="rowgroup" rowspan="${rows.length}">${unbroken(name)}</th>`;
  return rows.map(({ style, cells }, i) => {
    const row = i === 0 && heading;
    return html`<tr class="${style}">
      ${row} ${cells}
    </tr>`;
  });
}

/** A row without its name. */
interface Row {
  readonly style: string;
  readonly cells: Markup;
}

/** A row for each node; what is said of all nodes stands beside all of them. */
function caseCells(summary: CaseSummary, scale: number): Row[] {
  const { controller, nodes, rampSeconds, leastRampSeconds, movedPerSecond } = summary;
  if (nodes.length === 0) {
    const what = summary.runs === 0 ? 'not run' : 'not reached';
    const cells = html`<td>${controller}</td>
      <td colspan="8">${what}</td>`;
    return [{ style: '', cells }];
  }
  const ramp =
    rampSeconds && leastRampSeconds
      ? `${formatNumber(rampSeconds.mean)} / ${formatNumber(leastRampSeconds.mean)} s`
      : '–';
  const all = nodes.length;
  return nodes.map((node, i) => {
    const cells = html`${i === 0 && html`<td rowspan="${all}">${controller}</td>`}
      <td>${node.name}</td>
      <td class="n">${withInterval(node.mean)} %</td>
      <td class="n">${formatSigned(node.offset.mean)}</td>
      <td class="n">${node.stddev?.mean.toFixed(2) ?? '–'}</td>
      <td class="n">${overshoot(node)}</td>
      ${i === 0 && html`<td class="n" rowspan="${all}">${ramp}</td>`}
      ${
        i === 0 &&
        html`<td class="n" rowspan="${all}">
          ${movedPerSecond ? formatBytes(movedPerSecond.mean) : '–'}
        </td>`
      }
      <td class="meter">${differenceLine(node.offset, scale, node.stddev?.mean)}</td>`;
    return { style: '', cells };
  });
}

function publishedCells({ published }: CaseSummary, scale: number): Row[] {
  if (published === undefined) return [];
  const { target, mean, stddev } = published;
  const offset = { count: 1, mean: mean - target, stddev: null, halfWidth: null };
  const cells = html`<td colspan="2">published</td>
    <td class="n">${mean.toFixed(2)} %</td>
    <td class="n">${formatSigned(offset.mean)}</td>
    <td class="n">${stddev.toFixed(2)}</td>
    <td class="n">–</td>
    <td class="n">–</td>
    <td class="n">–</td>
    <td class="meter">${differenceLine(offset, scale, stddev)}</td>`;
  return [{ style: 'other', cells }];
}

/** What the scale has to show: every mean with its deviation and interval, of two points at least. */
function largestReach(summaries: readonly CaseSummary[]): number {
  return Math.max(
    2,
    ...summaries.flatMap(({ nodes, published }) => [
      ...nodes.map(reach),
      published ? Math.abs(published.mean - published.target) + published.stddev : 0,
    ]),
  );
}

function reach({ offset, stddev }: NodeSummary): number {
  return Math.abs(offset.mean) + Math.max(stddev?.mean ?? 0, offset.halfWidth ?? 0);
}

/** The lines of a name; of more than two nodes, which have a line each, those of one case. */
function plots(name: string, cases: readonly StudyCase[]): StudyCase[][] {
  const shown = cases.filter((one) => one.name === name && one.runs.length > 0);
  if (shown.length === 0) return [];
  return shown.some(({ nodeNames }) => nodeNames.length > 2) ? shown.map((one) => [one]) : [shown];
}

function plotBlock(shown: readonly StudyCase[], index: number, data: PageData): Markup {
  const [first] = shown;
  const isOne = first !== undefined && first.nodeNames.length > 2;
  const plot = {
    series: `study${index}`,
    title: isOne ? `${first.name}, ${first.controller}` : (first?.name ?? ''),
    what: 'Mean share of each node',
    lines: shown.flatMap(linesOf),
    targets: shown.flatMap(targetsOf),
    seeds: Math.max(...shown.map(({ runs }) => runs.length)),
    read: 'first' as const,
  };
  return bandBlock(plot, data);
}

/** Of two nodes only the first: the other mirrors it. */
function plottedNodes({ nodeNames }: StudyCase): readonly string[] {
  return nodeNames.length === 2 ? nodeNames.slice(0, 1) : nodeNames;
}

function linesOf(one: StudyCase): Parameters<typeof bandBlock>[0]['lines'] {
  const isPair = one.nodeNames.length === 2;
  return plottedNodes(one).map((node, n) => ({
    name: isPair ? one.controller : node,
    band: shareBand(one, n),
  }));
}

/** Of the stretch that is judged. */
function targetsOf(one: StudyCase): BandTarget[] {
  const [run] = one.runs;
  if (run === undefined) return [];
  return plottedNodes(one).flatMap((_, n) => {
    const percent = run.nodes[n]?.target;
    return percent === undefined ? [] : [{ from: run.fromSecond, percent }];
  });
}
