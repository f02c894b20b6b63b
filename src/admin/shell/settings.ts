/** What `set` sets. */
import { ShellError } from './ending.ts';

/** As far as it is said. */
export interface Settings {
  errexit?: boolean;
  nounset?: boolean;
  pipefail?: boolean;
  positional?: readonly string[];
}

/** @throws ShellError for an option that a replay does not know */
export function settingsOf(args: readonly string[]): Settings {
  const settings: Settings = {};
  for (const [index, arg] of args.entries()) {
    if (arg === '--') return { ...settings, positional: args.slice(index + 1) };
    const on = arg.startsWith('-');
    const before = args[index - 1] ?? '';
    if (/^[-+]\w*o$/.test(before)) {
      if (arg !== 'pipefail') throw new ShellError(`set: a replay does not know -o ${arg}`);
      settings.pipefail = before.startsWith('-');
      continue;
    }
    if (!/^[-+][eux]*o?$/.test(arg)) throw new ShellError(`set: a replay does not know ${arg}`);
    if (arg.includes('e')) settings.errexit = on;
    if (arg.includes('u')) settings.nounset = on;
  }
  return settings;
}
