/** The part of the page that sets each case against the reference of its group, seed by seed. */
import { formatNumber } from '../format.ts';
import type { MeanInterval } from '../interval.ts';
import { type PlacementComparison, type PlacementRecord, comparePlacement } from '../placement.ts';
import { withSign } from '../terminal-study.ts';
import { scroll, unbroken } from './blocks.ts';
import { differenceLine } from './difference.ts';
import { groupHeading, groupsOf } from './group.ts';
import { html, type Markup } from './markup.ts';

/** Nothing for a study without a reference, or one that was ended before it had a pair. */
export function comparisonBlock(record: PlacementRecord): Markup | false {
  const comparisons = comparePlacement(record);
  const reference = comparisons[0]?.reference;
  if (reference === undefined) return false;
  const scale = Math.max(1, ...comparisons.map(({ opsPercent }) => reach(opsPercent)));
  const title = `Against ${reference}`;
  return html`<section class="block" aria-labelledby="placement-comparison">
    <h3 id="placement-comparison">${title}</h3>
    <p>
      Differences from ${reference} under the same seed, means with their 95 % intervals: below 0 is
      less. Ramp and standard deviation are of seeds in which 90 % of the hot memory got to the fast
      node under both; the runs in which it did stand beside them. Drawn: throughput from
      −${formatNumber(scale)} to +${formatNumber(scale)} %.
    </p>
    ${scroll(
      title,
      html`<table class="many">
        <thead>
          <tr>
            <th scope="col">Case</th>
            <th scope="col" class="n">Ramp, s</th>
            <th scope="col" class="n">Stddev, points</th>
            <th scope="col" class="n">Runs there</th>
            <th scope="col" class="n">Runs of ${reference}</th>
            <th scope="col" class="n">Throughput, %</th>
            <th scope="col" class="meter">Throughput, drawn</th>
          </tr>
        </thead>
        ${groupsOf(comparisons).map(
          ({ group, members }) =>
            html`<tbody>
              ${groupHeading(group)} ${members.map((comparison) => row(comparison, scale))}
            </tbody>`,
        )}
      </table>`,
    )}
  </section>`;
}

function row(comparison: PlacementComparison, scale: number): Markup {
  const { name, runs, reached, referenceReached } = comparison;
  const { rampSeconds, hotStddev, opsPercent } = comparison;
  return html`<tr>
    <th scope="row">${unbroken(name)}</th>
    <td class="n">${told(rampSeconds, 1)}</td>
    <td class="n">${told(hotStddev, 2)}</td>
    <td class="n">${reached} of ${runs}</td>
    <td class="n">${referenceReached} of ${runs}</td>
    <td class="n">${told(opsPercent, 1)}</td>
    <td class="meter">${opsPercent && differenceLine(opsPercent, scale)}</td>
  </tr>`;
}

function told(interval: MeanInterval | undefined, digits: number): string {
  return interval === undefined ? '–' : withSign(interval, digits);
}

function reach(interval: MeanInterval | undefined): number {
  return interval === undefined ? 0 : Math.abs(interval.mean) + (interval.halfWidth ?? 0);
}
