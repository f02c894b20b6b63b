/** `--explain`: why schemes did what they did, as text, or beside `--json` each record as a line. */
import type { ExplainHooks } from '../job/explained.ts';
import type { Explained } from '../report/record.ts';
import { type TerminalOptions, renderExplanation } from '../report/terminal.ts';
import { type Output, write } from './output.ts';

/** How a report is rendered, and whether it explains. */
export interface ReportOptions extends TerminalOptions {
  readonly explain?: boolean | undefined;
}

/** The explanation of a record. */
export function renderExplained(record: Explained, options: TerminalOptions): string {
  const { explanation, schemes: names, startNs, roundsDropped } = record;
  return renderExplanation(explanation, { ...options, names, startNs, roundsDropped });
}

/** Hooks that print what they are told. */
export function explainingLines(stdout: Output): Required<ExplainHooks> {
  return {
    onTuning: (tuning) => void stdout.write(`${toJson({ type: 'tuning', ...tuning })}\n`),
    onRounds: async (rounds) => {
      for (const round of rounds) await write(stdout, `${toJson({ type: 'round', ...round })}\n`);
    },
  };
}

/** Times are exact integers, as in snapshots. */
export function toJson(row: object): string {
  return JSON.stringify(row, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}
