/**
 * The look of the page: one type scale, one column, two colour schemes.
 */

import { FIRST_STEP, HEAT_ON_DARK, HEAT_ON_LIGHT } from '../palette.ts';

/** The style sheet. It names no other file. */
export const STYLE: string = `
:root {
  color-scheme: light dark;
  --page: #fbfaf7;
  --ink: #1c1a24;
  --muted: #67636f;
  --rule: #e3dfd6;
  --shadow: rgb(28 26 36 / 0.22);
  --wash: #f3f0e9;
  --share: #7a2a86;
  --truth: #8d8794;
  --target: #1c1a24;
  --published: #15777c;
  --published-wash: rgb(21 119 124 / 0.16);
  --ramp-wash: rgb(224 148 52 / 0.15);
  --series-1: #7a2a86;
  --series-2: #15777c;
  --series-3: #b8561f;
  --series-4: #3a7de9;
  --good: #1d7a4c;
  --bad: #b3261e;
  --heat: linear-gradient(90deg, ${HEAT_ON_LIGHT.join(', ')});
  --sans: "Inter", system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
/* Paper is light. */
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #121219;
    --ink: #edebf2;
    --muted: #9f9bab;
    --rule: #2b2a36;
    --shadow: rgb(237 235 242 / 0.3);
    --wash: #1a1a24;
    --share: #f58a66;
    --truth: #6f6b7d;
    --target: #edebf2;
    --published: #5cc4c2;
    --published-wash: rgb(92 196 194 / 0.18);
    --ramp-wash: rgb(252 200 119 / 0.10);
    --series-1: #f58a66;
    --series-2: #5cc4c2;
    --series-3: #f0dc6e;
    --series-4: #7b97f0;
    --good: #6bcf98;
    --bad: #ff8a80;
    --heat: linear-gradient(90deg, ${HEAT_ON_DARK.join(', ')});
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--ink);
  font: 400 1rem/1.55 var(--sans);
  /* Some fonts turn the x of 0x10 into a multiplication sign. */
  font-variant-ligatures: no-contextual;
}
main, .masthead, footer {
  max-width: 70rem;
  margin-inline: auto;
  padding-inline: clamp(1.25rem, 4vw, 3rem);
}
.masthead { padding-block: clamp(2.5rem, 6vw, 4.5rem) 0; }
.kicker {
  margin: 0 0 0.75rem;
  color: var(--muted);
  font-size: 0.8125rem;
  font-weight: 600;
  letter-spacing: 0.08em;
  text-transform: uppercase;
}
h1, h2, h3 { line-height: 1.15; text-wrap: balance; overflow-wrap: anywhere; }
h1 {
  margin: 0;
  font-size: clamp(2rem, 5.2vw, 3.25rem);
  font-weight: 680;
  letter-spacing: -0.028em;
}
h2 { margin: 0; font-size: clamp(1.5rem, 3.2vw, 2rem); font-weight: 660; letter-spacing: -0.02em; }
h3 { margin: 0 0 0.25rem; font-size: 1.125rem; font-weight: 640; letter-spacing: -0.01em; }
p { margin: 0; max-width: 44rem; overflow-wrap: anywhere; }
.lede { margin-top: 0.6rem; color: var(--muted); }
.part > .lede { max-width: none; }
.part { margin-top: clamp(2.75rem, 6vw, 4.5rem); padding-top: 1.75rem; border-top: 2px solid var(--ink); }
.block { margin-top: clamp(2.25rem, 5vw, 3.25rem); }
.block > p { color: var(--muted); font-size: 0.9375rem; }
.figures {
  display: grid;
  grid-template-columns: repeat(3, minmax(0, 1fr));
  gap: 1.75rem 2.5rem;
  margin: 2.25rem 0 0;
}
.figures div { display: flex; flex-direction: column; min-width: 0; padding-top: 0.9rem; border-top: 1px solid var(--rule); }
.figures dt { order: 2; margin-top: 0.3rem; color: var(--muted); font-size: 0.875rem; line-height: 1.35; }
.figures dd {
  order: 1;
  margin: 0;
  font-size: clamp(1.5rem, 3.1vw, 2rem);
  font-weight: 620;
  line-height: 1.1;
  letter-spacing: -0.025em;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}
.figures dd small { color: var(--muted); font-size: 0.62em; font-weight: 500; letter-spacing: -0.01em; }
figure { margin: 1.25rem 0 0; }
figcaption { margin-top: 0.6rem; color: var(--muted); font-size: 0.8125rem; }
.plot { position: relative; width: 100%; height: 22rem; }
.plot.map { height: clamp(24rem, 52vw, 34rem); }
.plot.strip { height: 12.5rem; }
.plot canvas { display: block; }
.key {
  display: flex;
  flex-wrap: wrap;
  gap: 0.35rem 1.25rem;
  align-items: center;
  margin: 0.9rem 0 0;
  padding: 0;
  list-style: none;
  color: var(--muted);
  font-size: 0.8125rem;
  font-variant-numeric: tabular-nums;
}
.key li { display: flex; align-items: center; gap: 0.5rem; }
.key svg { flex: none; }
.key + .plot { margin-top: 1.5rem; }
.heat { display: inline-block; width: clamp(7rem, 24vw, 14rem); height: 0.75rem; border-radius: 2px; background: var(--heat) right / ${100 / (1 - FIRST_STEP)}% 100%; }
.none, .blank { display: inline-block; width: 0.75rem; height: 0.75rem; border-radius: 2px; border: 1px solid var(--rule); }
.none { background: var(--heat); background-size: 100rem; }
.line-share { stroke: var(--share); } .line-truth { stroke: var(--truth); }
.line-target { stroke: var(--target); } .line-published { stroke: var(--published); }
.area-published { fill: var(--published-wash); } .area-ramp { fill: var(--ramp-wash); }
.area-applied { fill: var(--good); fill-opacity: 0.333; }
.series-1 { stroke: var(--series-1); } .series-2 { stroke: var(--series-2); }
.series-3 { stroke: var(--series-3); } .series-4 { stroke: var(--series-4); }
.fill-series-1 { fill: var(--series-1); } .fill-series-2 { fill: var(--series-2); }
.fill-series-3 { fill: var(--series-3); } .fill-series-4 { fill: var(--series-4); }
.fill-rule { fill: var(--rule); } .fill-truth { fill: var(--truth); } .fill-muted { fill: var(--muted); }
/* Where a table goes on past an edge there is a shadow: a cover of the page's colour moves with the table. */
.scroll {
  margin-top: 1rem;
  overflow-x: auto;
  overscroll-behavior-x: contain;
  background:
    linear-gradient(90deg, var(--page) 1rem, transparent) 0 / 2rem 100% no-repeat local,
    linear-gradient(-90deg, var(--page) 1rem, transparent) 100% / 2rem 100% no-repeat local,
    linear-gradient(90deg, var(--shadow), transparent) 0 / 0.75rem 100% no-repeat,
    linear-gradient(-90deg, var(--shadow), transparent) 100% / 0.75rem 100% no-repeat;
}
.scroll:focus-visible { outline: 2px solid var(--share); outline-offset: 4px; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { padding-bottom: 0.5rem; color: var(--muted); font-size: 0.8125rem; text-align: left; }
th, td { padding: 0.5rem 1.25rem 0.5rem 0; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-size: 0.75rem; font-weight: 560; border-bottom-color: var(--muted); vertical-align: bottom; }
tbody th { font-weight: 500; }
.n { text-align: right; }
.a { font-family: var(--mono); font-size: 0.8125rem; font-weight: 400; }
tr.other th, tr.other td { color: var(--muted); }
.bar { display: block; width: 100%; min-width: 5rem; height: 0.5rem; }
.bar .track { fill: var(--wash); } .bar .fill { fill: var(--share); }
td.meter { width: 40%; }
/* A dot at either end of the scale is drawn in full. */
.interval { display: block; width: 100%; min-width: 8rem; overflow: visible; }
td.meter:has(.interval) { padding-inline: 0.25rem; }
.many th, .many td { padding-right: 0.9rem; }
.many th { white-space: normal; }
.many tbody th { min-width: 7.5rem; } .many td.meter { width: 22%; }
.interval .track { fill: var(--published-wash); } .interval .zero { stroke: var(--muted); stroke-dasharray: 2 2; }
.interval .bar { stroke: var(--share); stroke-width: 2; } .interval .dot { fill: var(--share); }
.books { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem 4rem; align-items: start; }
.books td, .books th { padding-block: 0.3rem; }
.books th { font-weight: 400; }
.scroll + p { margin-top: 0.9rem; }
tr.group th { padding-top: 1.1rem; font-weight: 620; }
.many tr.group ~ tr th { padding-left: 1rem; }
.books .group th { padding-top: 0.9rem; font-weight: 620; }
.depth-1 { padding-left: 1rem; } .depth-2 { padding-left: 2rem; } .depth-3 { padding-left: 3rem; }
.equations { margin: 1rem 0 0; padding: 0; list-style: none; font-size: 0.9375rem; }
.equations li { position: relative; padding: 0 0 1.1rem 1.75rem; overflow-wrap: anywhere; }
.equations .mark { position: absolute; left: 0; font-weight: 700; }
.good { color: var(--good); } .bad { color: var(--bad); }
.equations span { display: block; color: var(--muted); font-size: 0.8125rem; line-height: 1.5; }
.equations span.numbers { font-variant-numeric: tabular-nums; }
.glossary { display: grid; grid-template-columns: max-content 1fr; gap: 0.4rem 1.5rem; margin: 1rem 0 0; font-size: 0.9375rem; }
.glossary dt { font-weight: 600; } .glossary dd { margin: 0; color: var(--muted); }
footer { margin-top: 4rem; padding-block: 1.5rem 3.5rem; color: var(--muted); font-size: 0.8125rem; }
noscript p { margin-top: 1rem; padding: 0.75rem 1rem; background: var(--wash); }
@media (max-width: 60rem) {
  .many { font-size: 0.75rem; } .many th, .many td { padding-right: 0.4rem; }
  .interval { min-width: 4.5rem; }
}
@media (max-width: 40rem) {
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem 1.25rem; }
  .figures dd { font-size: 1.375rem; }
  td.meter, th.meter { display: none; }
  .glossary { grid-template-columns: 1fr; gap: 0; }
  .glossary dd { margin-bottom: 0.75rem; }
}
@media print {
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; background: none; }
  main, .masthead, footer { max-width: none; padding-inline: 0; }
  .masthead { padding-top: 0; }
  .part { margin-top: 1.75rem; }
  .part + .part:not(:last-child) { break-before: page; }
  h2, h3, .block > p:has(+ figure), thead, tr.group { break-after: avoid; }
  figure, tr, .block > p, .equations li, .figures { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 0.75rem; }
  /* However wide a plot was when it was drawn. */
  .plot canvas { width: 100% !important; }
}
`;
