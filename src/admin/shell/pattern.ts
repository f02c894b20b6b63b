/** Patterns of the shell: `*`, `?` and `[…]`, where a backslash makes the next character plain. */

/** A text as a pattern that matches itself only. */
export function literally(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

/** Whether a pattern means more than one text. */
export function isPattern(pattern: string): boolean {
  return /(?<!\\)(?:\\\\)*[*?[]/.test(pattern);
}

/** What a pattern matches, as a regular expression for whole texts. */
export function matcher(pattern: string): RegExp {
  return new RegExp(`^${translate(pattern)}$`, 's');
}

/**
 * What is left of a text when what the pattern matches is taken from its begin or its end.
 *
 * @param end `#` or `%`; doubled, as much as can be, else as little
 */
export function without(text: string, pattern: string, end: '#' | '##' | '%' | '%%'): string {
  const matches = matcher(pattern);
  const lengths = Array.from({ length: text.length + 1 }, (_, length) => length);
  if (end.length === 2) lengths.reverse();
  for (const length of lengths) {
    const rest = text.length - length;
    if (end.startsWith('#') && matches.test(text.slice(0, length))) return text.slice(length);
    if (end.startsWith('%') && matches.test(text.slice(rest))) return text.slice(0, rest);
  }
  return text;
}

function translate(pattern: string): string {
  const token = /\\(.)|\[([!^]?)(\]?[^\]]*)\]|([*?])|([^])/gs;
  return [...pattern.matchAll(token)]
    .map(([, escaped, not, set, wild, plain]) => {
      if (wild !== undefined) return wild === '*' ? '.*' : '.';
      if (set !== undefined) {
        const characters = set.replaceAll(/[\\\][^]/g, String.raw`\$&`);
        return `[${not ? '^' : ''}${characters}]`;
      }
      return (escaped ?? plain ?? '').replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`);
    })
    .join('');
}

/**
 * The paths that a pattern matches, in order; none if there is none.
 *
 * @param list names in a directory; `undefined` for what is none
 */
export function glob(
  pattern: string,
  list: (path: string) => readonly string[] | undefined,
): string[] {
  const names = pattern.split('/');
  let paths = [pattern.startsWith('/') ? '/' : ''];
  for (const name of names) {
    if (name === '') continue;
    const matches = matcher(name);
    paths = paths.flatMap((path) => {
      const found = isPattern(name)
        ? (list(path || '.') ?? []).filter((entry) => matches.test(entry)).toSorted()
        : [name.replaceAll(/\\(.)/g, '$1')];
      return found.map((entry) => (path === '' ? entry : `${path.replace(/\/$/, '')}/${entry}`));
    });
  }
  const exists = (path: string): boolean => {
    const at = path.lastIndexOf('/');
    const parent = at > 0 ? path.slice(0, at) : at === 0 ? '/' : '.';
    const last = path.slice(at + 1);
    return last === '.' || last === '..' || (list(parent)?.includes(last) ?? false);
  };
  return paths.filter(exists);
}
