import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import test from 'ava';

import type { MonitorCounters } from '../../src/report/counters.ts';
import type { Books } from '../../src/report/record.ts';
import { renderHtml } from '../../src/report/html.ts';
import { hotRanges } from '../../src/report/hot-ranges.ts';
import { heatmapData, quotaData, shareData } from '../../src/report/page/data.ts';
import { sampleDemo, sampleReplay } from './sample.ts';

const REPLAY = sampleReplay(120);
const DEMO = sampleDemo(120);
const PAGE = renderHtml({ title: 'Two nodes', generatedBy: 'a test', replay: REPLAY, demo: DEMO });
const EVIL = '</script><img src=x onerror=alert(1)>';

const SCRIPTS = /<script>([^]*?)<\/script>/g;
const STYLES = /<style>([^]*?)<\/style>/g;
const DATA = /<script type="application\/json" id="data">([^]*?)<\/script>/g;

/** The page without the text of its scripts, styles and data: what a parser sees as markup. */
function markup(page: string): string {
  return page.replaceAll(SCRIPTS, '').replaceAll(STYLES, '').replaceAll(DATA, '');
}

function contents(page: string, element: RegExp): string[] {
  return [...page.matchAll(element)].map(([, text = '']) => text);
}

test('a page refers to nothing outside itself', (t) => {
  t.notRegex(markup(PAGE), /\b(src|href|srcset|action|data|poster|ping)\s*=\s*["']/);
  t.notRegex(markup(PAGE), /<(link|img|iframe|object|embed|base|audio|video|source|form)\b/);
  t.notRegex(markup(PAGE), /https?:|\/\//);
  for (const style of contents(PAGE, STYLES)) t.notRegex(style, /@import|url\(|https?:/);
  t.notRegex(PAGE, /sourceMappingURL/);
});

test('scripts mention addresses of the network only in comments and ask for nothing', (t) => {
  const scripts = contents(PAGE, SCRIPTS);
  t.is(scripts.length, 3);
  for (const script of scripts) {
    const code = script.replaceAll(/\/\*[^]*?\*\//g, '');
    t.notRegex(code, /https?:/);
    t.notRegex(code, /\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b/);
  }
});

test('the policy of a page allows its own scripts and style by hash, and nothing else', (t) => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(PAGE)?.[1] ?? '';
  const directives = new Map(
    policy
      .replaceAll('&#39;', "'")
      .split('; ')
      .map((directive) => directive.split(' '))
      .map(([name = '', ...sources]) => [name, sources] as const),
  );
  const hashes = (texts: readonly string[]): string[] =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  t.deepEqual(directives.get('default-src'), [`'none'`]);
  t.deepEqual(directives.get('script-src'), hashes(contents(PAGE, SCRIPTS)));
  t.deepEqual(directives.get('style-src'), hashes(contents(PAGE, STYLES)));
  t.deepEqual(
    [...directives.keys()],
    ['default-src', 'script-src', 'style-src', 'base-uri', 'form-action'],
  );
});

test('every script is one that parses', (t) => {
  for (const script of contents(PAGE, SCRIPTS)) t.notThrows(() => new Script(script));
});

test('no markup needs what the policy forbids', (t) => {
  t.notRegex(markup(PAGE), /\son[a-z]+\s*=/);
  t.notRegex(markup(PAGE), /\sstyle\s*=/);
});

test('the data of a page is what the records say', (t) => {
  const [text = ''] = contents(PAGE, DATA);
  const expected = {
    share: shareData(DEMO),
    quotas: quotaData(DEMO),
    demoHeatmap: heatmapData(REPLAY.heatmap, REPLAY.nodes),
    replayHeatmap: heatmapData(REPLAY.heatmap, REPLAY.nodes),
  };
  const { demoWhy0, replayWhy0, ...others } = JSON.parse(text) as Record<string, unknown>;
  t.deepEqual(others, expected as never);
  for (const why of [demoWhy0, replayWhy0]) t.like(why, { outcomes: [{ name: 'tried' }] });
});

test('text from outside stays text', (t) => {
  const nodes = REPLAY.nodes.map(({ id, start, end }) => ({ id, start, end, name: EVIL }));
  const books = {
    counters: { [EVIL]: 1 },
    equations: [{ name: EVIL, left: [EVIL], right: [EVIL] }],
  } as unknown as Books<MonitorCounters>;
  const page = renderHtml({
    title: EVIL,
    generatedBy: EVIL,
    replay: {
      ...REPLAY,
      source: EVIL,
      nodes,
      books,
      hotRanges: hotRanges(REPLAY.last, { nodes }),
    },
    demo: {
      ...DEMO,
      seed: EVIL,
      tuner: EVIL,
      machine: [EVIL],
      nodes,
      books,
      quotas: [{ name: EVIL, effectiveBytes: Float64Array.of(1) }],
    },
  });
  t.notRegex(page, /<img/);
  t.is(contents(page, SCRIPTS).length, 3);
  t.is(page.match(/<\/script/gi)?.length, 4);
  t.deepEqual(
    tags(page).filter((tag) => !tags(PAGE).includes(tag)),
    [],
  );
  const [text = ''] = contents(page, DATA);
  t.is(JSON.parse(text).replayHeatmap.nodes[0].name, `node 0 ${EVIL}`);
});

test('a page has a character set, a title, one heading for it, and a name for every plot', (t) => {
  t.regex(PAGE, /^<!doctype html>/);
  t.regex(PAGE, /<html lang="en">/);
  t.true(PAGE.indexOf('<meta charset="utf-8" />') < 1024);
  t.regex(PAGE, /<title>Two nodes<\/title>/);
  t.is(PAGE.match(/<h1>/g)?.length, 1);
  for (const canvas of PAGE.match(/<canvas[^>]*>/g) ?? []) {
    t.regex(canvas, /role="img"/);
    t.regex(canvas, /aria-label="[^"]{20,}"/);
  }
  const ids = [...markup(PAGE).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  t.is(new Set(ids).size, ids.length);
  const labels = [...markup(PAGE).matchAll(/aria-labelledby="([^"]*)"/g)].map(([, id]) => id);
  t.true(labels.length > 0 && labels.every((id) => ids.includes(id)));
});

test('every canvas has its data', (t) => {
  const [text = ''] = contents(PAGE, DATA);
  const series = [...PAGE.matchAll(/data-series="([^"]*)"/g)].map(([, name]) => name);
  t.deepEqual(new Set(series), new Set(Object.keys(JSON.parse(text))));
  // Two views of what each scheme did, of the same data.
  t.is(series.length, 5 + 2 * 2);
});

test('a page with both records of 15 minutes is below 600 KiB', (t) => {
  const page = renderHtml({
    title: '',
    generatedBy: '',
    replay: sampleReplay(900),
    demo: sampleDemo(900),
  });
  t.true(Buffer.byteLength(page) < 600 * 1024);
});

test('a page without records, and with a target that was never reached, is a page', (t) => {
  t.regex(renderHtml({ title: 'Empty', generatedBy: '' }), /<h1>Empty<\/h1>/);
  const [row] = DEMO.rows;
  t.truthy(row);
  if (!row) return;
  const never = {
    ...row,
    mean: null,
    offset: null,
    stddev: null,
    rampSeconds: null,
    overshoot: null,
  };
  const page = renderHtml({
    title: '',
    generatedBy: '',
    demo: { ...DEMO, rows: [never], quotas: [] },
  });
  t.regex(page, /not reached/);
  t.notRegex(markup(page), /null|NaN|undefined/);
});

/** The names of all elements. */
function tags(page: string): string[] {
  return [...markup(page).matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, name = '']) => name);
}
