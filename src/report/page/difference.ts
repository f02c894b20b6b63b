/** A difference and its interval, drawn on a line with zero in its middle. */
import { formatNumber } from '../format.ts';
import type { MeanInterval } from '../interval.ts';
import { html, type Markup } from './markup.ts';

const PERCENT = 100;

/** From minus to plus `scale`; the pale band is a standard deviation, if there is one to show. */
export function differenceLine(
  { mean, halfWidth }: MeanInterval,
  scale: number,
  stddev = 0,
): Markup {
  const x = (value: number): string => {
    const within = Math.max(-scale, Math.min(scale, value));
    return `${formatNumber(((within + scale) / (2 * scale)) * PERCENT)}%`;
  };
  const width = `${formatNumber((Math.min(stddev, scale) / scale) * PERCENT)}%`;
  const half = halfWidth ?? 0;
  return html`<svg class="interval" width="100%" height="16" aria-hidden="true">
    <rect class="track" x="${x(mean - stddev)}" width="${width}" y="3" height="10" />
    <line class="zero" x1="50%" x2="50%" y1="0" y2="16" />
    <line class="bar" x1="${x(mean - half)}" x2="${x(mean + half)}" y1="8" y2="8" />
    <circle class="dot" cx="${x(mean)}" cy="8" r="3" />
  </svg>`;
}
