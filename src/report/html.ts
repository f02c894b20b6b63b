/**
 * The views as one HTML file that needs nothing else: no network, no server, no other file.
 *
 * Charts are drawn by Chart.js, which is copied into the page. A content security policy lets the
 * page run exactly the scripts and the style it came with, and forbids it to load anything.
 * Not here: the style and the script themselves, and the thinning of data (see `page/`).
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { DamonError } from '../errors.ts';
import { formatBytes, formatDuration, formatNumber, formatRate, formatSigned } from './format.ts';
import {
  booksBlock,
  eventsBlock,
  convergenceBlock,
  glossary,
  heatmapBlock,
  hotRangeBlock,
  quotaBlock,
  unbroken,
  type Word,
  workingSetBlock,
} from './page/blocks.ts';
import { quotaData, shareData, type PageData } from './page/data.ts';
import { schemesOf } from './explanation.ts';
import { explanationBlock } from './page/explanation.ts';
import { escapeJson, html, verbatim, type Markup } from './page/markup.ts';
import { SCRIPT } from './page/script.ts';
import { placementPart } from './page/placement.ts';
import { studyPart } from './page/study.ts';
import { STYLE } from './page/style.ts';
import {
  balance,
  type Books,
  type DemoRecord,
  type Explained,
  type ReplayRecord,
  type RunRecord,
} from './record.ts';
import type { PlacementRecord } from './placement.ts';
import type { StudyRecord } from './study.ts';

/** What goes into a page. */
export interface HtmlReport {
  readonly title: string;
  /** Who made the page and how, such as a command line. */
  readonly generatedBy: string;
  readonly replay?: ReplayRecord;
  readonly demo?: DemoRecord;
  readonly run?: RunRecord;
  readonly study?: StudyRecord;
  readonly placement?: PlacementRecord;
}

/**
 * A page that shows the records, as the text of one self-contained file.
 *
 * @example
 * ```ts
 * import { writeFileSync } from 'node:fs';
 *
 * import { renderHtml, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * const page = renderHtml({ title: 'Redis', generatedBy: 'my script', replay: record });
 * writeFileSync('report.html', page);
 * ```
 */
export function renderHtml(report: HtmlReport): string {
  const { title, generatedBy, replay, demo, run, study, placement } = report;
  const data: PageData = {};
  const parts = [
    run && runPart(run, data),
    study && studyPart(study, heading(study, title), data),
    placement && placementPart(placement, heading(placement, title), data),
    demo && demoPart(demo, data),
    replay && replayPart(replay, data),
  ];
  // Scripts in the order they need each other: the matrix chart registers itself with Chart.
  const scripts = [
    browserBuild('chart.js', ['chart.umd.min.js', 'chart.umd.js']),
    browserBuild('chartjs-chart-matrix', ['chartjs-chart-matrix.min.js']),
    SCRIPT,
  ];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${contentPolicy(scripts, STYLE)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="node-damon" />
        <title>${title}</title>
        ${verbatim('<style>', STYLE, '</style>')}
      </head>
      <body>
        <header class="masthead">
          <p class="kicker">Data access monitoring</p>
          <h1>${title}</h1>
          <p class="lede">${generatedBy}</p>
        </header>
        <main>
          <noscript><p>The charts need JavaScript. All tables work without.</p></noscript>
          ${parts} ${glossary(wordsOf(report))}
        </main>
        <footer>Made by node-damon. This file is complete in itself and loads nothing.</footer>
        ${verbatim('<script type="application/json" id="data">', escapeJson(data), '</script>')}
        ${scripts.map((script) => verbatim('<script>', script, '</script>'))}
      </body>
    </html> `.text;
}

/** A part does not repeat the page's own title. */
function heading(record: StudyRecord | PlacementRecord, title: string): string {
  return record.title === title ? 'Study' : record.title;
}

/** The words that what is shown of each record needs. */
function wordsOf({ replay, run, demo, study }: HtmlReport): Set<Word> {
  const monitored: readonly Word[] = ['hit', 'hits/s per MiB', 'nr_accesses', 'age'];
  return new Set<Word>([
    ...(replay || run?.workingSet ? monitored : []),
    ...(demo?.heatmap ? monitored.slice(0, 2) : []),
    ...(demo ? (['ramp', 'offset, stddev'] as const) : []),
    ...(study ? (['offset, stddev'] as const) : []),
  ]);
}

function replayPart(replay: ReplayRecord, data: PageData): Markup {
  const { workingSet, hotRanges, books } = replay;
  const ninety = workingSet.shares.find(({ percent }) => percent === 90);
  const hottest = hotRanges[0];
  return html`<section class="part" aria-labelledby="replay">
    <h2 id="replay">Replay</h2>
    <p class="lede">${replay.source}</p>
    ${figures([
      ['of memory accesses', formatDuration(Number(replay.endNs - replay.startNs) / 1e9)],
      [
        `samples per second, replayed in ${formatDuration(replay.durationMs / 1000)}`,
        formatRate(replay.samplesPerSecond),
      ],
      ['monitored', formatBytes(workingSet.monitoredBytes)],
      ninety && ['take 90 % of the hits', formatBytes(ninety.szBytes)],
      hottest && [`hits per second per MiB in the hottest range`, formatRate(hottest.rate)],
      booksFigure(books),
    ])}
    ${heatmapBlock('replayHeatmap', replay.heatmap, replay.nodes, data)} ${hotRangeBlock(hotRanges)}
    ${workingSetBlock(workingSet)} ${explanationBlocks('replay', replay, data)} ${booksBlock(books)}
  </section>`;
}

function demoPart(demo: DemoRecord, data: PageData): Markup {
  data['share'] = shareData(demo);
  data['quotas'] = quotaData(demo);
  const [row] = demo.rows;
  return html`<section class="part" aria-labelledby="demo">
    <h2 id="demo">Closed loop</h2>
    <p class="lede">${unbroken(demo.machine.join(' · '))}</p>
    ${figures([
      row &&
        row.mean !== null && [
          `mean ± stddev for a target of ${formatNumber(row.target)} %`,
          withUnit(`${row.mean.toFixed(2)} ± ${row.stddev?.toFixed(2) ?? '–'}`, '%'),
        ],
      row && row.offset !== null && ['percentage points from the target', formatSigned(row.offset)],
      row && [
        'until the target was reached',
        row.rampSeconds === null ? 'never' : formatDuration(row.rampSeconds),
      ],
      ['simulated', `${formatDuration(demo.simulatedSeconds)}`],
      [`wall clock; tuner ${demo.tuner}, seed ${demo.seed}`, formatDuration(demo.wallSeconds)],
      booksFigure(demo.books),
    ])}
    ${convergenceBlock(demo)}
    ${demo.quotas && demo.quotas.length > 0 && quotaBlock(demo, data['quotas'].step)}
    ${explanationBlocks('demo', demo, data)}
    ${demo.heatmap && heatmapBlock('demoHeatmap', demo.heatmap, demo.nodes ?? [], data)}
    ${booksBlock(demo.books)}
  </section>`;
}

function runPart(run: RunRecord, data: PageData): Markup {
  const { heatmap, nodes, hotRanges, workingSet, books } = run;
  return html`<section class="part" aria-labelledby="run">
    <h2 id="run">Run</h2>
    <p class="lede">${unbroken(run.source.join(' · '))}</p>
    ${figures([
      ['monitored time', formatDuration(Number(run.endNs - run.startNs) / 1e9)],
      ['wall clock', formatDuration(run.durationMs / 1000)],
      workingSet && ['monitored', formatBytes(workingSet.monitoredBytes)],
      booksFigure(books),
    ])}
    ${run.events.length > 0 && eventsBlock(run.events)} ${explanationBlocks('run', run, data)}
    ${workingSet && heatmapBlock('runHeatmap', heatmap, nodes, data)}
    ${workingSet && hotRangeBlock(hotRanges)} ${workingSet && workingSetBlock(workingSet)}
    ${booksBlock(books)}
  </section>`;
}

/** One for each scheme. */
function explanationBlocks(part: string, explained: Explained, data: PageData): Markup[] {
  return schemesOf(explained.explanation, explained.schemes).map((scheme) =>
    explanationBlock(`${part}Why${scheme}`, explained, scheme, data),
  );
}

/** Numbers to take away, each with what it counts. */
function figures(
  items: readonly (readonly [string, string | Markup] | undefined | false)[],
): Markup {
  const shown = items.filter((figure) => figure !== undefined && figure !== false);
  return html`<dl class="figures">
    ${shown.map(
      ([label, value]) =>
        html`<div>
          <dt>${label}</dt>
          <dd>${typeof value === 'string' ? splitUnit(value) : value}</dd>
        </div>`,
    )}
  </dl>`;
}

function booksFigure(books: Books): readonly [string, string] {
  const balances = balance(books);
  const held = balances.filter(({ offBy }) => offBy === 0n).length;
  return ['equations of the books balance', `${held} of ${balances.length}`];
}

/** `1.5 GiB` with a small unit. */
function splitUnit(value: string): Markup {
  const [, number, unit] = /^(\S+) ([^\d\s]+)$/.exec(value) ?? [];
  return number && unit ? withUnit(number, unit) : html`${value}`;
}

function withUnit(value: string, unit: string): Markup {
  return html`${value} <small>${unit}</small>`;
}

/** Allows the given scripts and style, each by its hash, and nothing else at all. */
function contentPolicy(scripts: readonly string[], style: string): string {
  return [
    `default-src 'none'`,
    `script-src ${scripts.map(hashSource).join(' ')}`,
    `style-src ${hashSource(style)}`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * The build of a package for `<script>`, which lies beside its main file. Its licence comment stays;
 * the reference to a source map goes, because a browser would look for that file.
 */
function browserBuild(name: string, files: readonly string[]): string {
  const folder = dirname(createRequire(import.meta.url).resolve(name));
  const path = files.map((file) => join(folder, file)).find(existsSync);
  if (path === undefined) {
    throw new DamonError(`The package ${name} has no build for browsers`, {
      code: 'ERR_DAMON_REPORT_CHARTS',
      expected: files.join(' or '),
      hint: 'Install the dependencies again.',
    });
  }
  return readFileSync(path, 'utf8')
    .replace(/^\/\/# sourceMappingURL=.*$/gm, '')
    .replaceAll(/<(?=\/script|!--)/gi, '\\x3c');
}
