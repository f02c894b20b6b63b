/** A plot of mean shares over time, each with its band, and its key. */
import { formatDuration } from '../format.ts';
import type { Band } from '../interval.ts';
import { canvas, lineKey } from './blocks.ts';
import { type BandTarget, type PageData, bandData } from './data.ts';
import { html, type Markup } from './markup.ts';

/** Colours of series. */
export const COLORS = 4;
/** Lines of the same colour: as many as this are told apart. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

/** A plot to be drawn. */
interface BandPlot {
  /** Names its data, and its heading. */
  readonly series: string;
  readonly title: string;
  /** What a line is of, such as `Mean share of each node`. */
  readonly what: string;
  readonly lines: readonly { readonly name: string; readonly band: Band }[];
  /** Each is drawn once. @default none */
  readonly targets?: readonly BandTarget[];
  /** Of one there is a line, and no interval. */
  readonly seeds: number;
  /** Where in its second each value was read. */
  readonly read: 'first' | 'last';
  /** Drawn from 0 to 100 %, whatever the lines need. */
  readonly whole?: boolean;
}

export function bandBlock(
  { series, title, what, lines, targets = [], seeds, read, whole }: BandPlot,
  data: PageData,
): Markup {
  const bands = bandData(
    lines.map(({ name, band }, i) => ({
      name,
      band,
      from: read === 'last' ? 1 : 0,
      color: (i % COLORS) + 1,
      dashes: DASHES[Math.floor(i / COLORS) % DASHES.length] ?? [],
    })),
  );
  const known = new Map(targets.map((target) => [`${target.from} ${target.percent}`, target]));
  data[series] = {
    ...bands,
    ...(known.size > 0 && { targets: [...known.values()] }),
    ...(whole !== undefined && { whole }),
  };
  const withBand = seeds > 1 ? ', with its 95 % interval' : '';
  const description = `${what} over ${formatDuration(bands.seconds)}${withBand}: ${title}.`;
  return html`<section class="block" aria-labelledby="${series}">
    <h3 id="${series}">${title}</h3>
    <figure>
      ${canvas('bands', series, '', description)}
      <ul class="key">
        ${bands.lines.map(
          ({ name, color, dashes }) =>
            html`<li>${lineKey(`series-${color}`, dashes.join(' ') || 'none')} ${name}</li>`,
        )}
        ${known.size > 0 && html`<li>${lineKey('line-target', '5 4')} target</li>`}
        ${seeds > 1 && html`<li>band: 95 % interval of the mean over the seeds</li>`}
      </ul>
    </figure>
  </section>`;
}
