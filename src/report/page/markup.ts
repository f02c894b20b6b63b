/**
 * HTML that cannot be broken by what is put into it.
 *
 * Text becomes {@link Markup} only through the {@link html} tag, which escapes every value that is
 * not Markup itself. Not here: scripts and styles, which HTML does not unescape.
 */

/** A piece of HTML that is safe to put into a page as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in `${}`: nothing, text to be escaped, markup, or a list of these. */
export type Value = string | number | null | undefined | false | Markup | readonly Value[];

/** `` html`<p>${text}</p>` ``: escapes `text`, keeps nested Markup. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(render)));
}

/** Text that means itself in HTML, inside double-quoted attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON that may stand in a script element: no character of it can end the element. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/**
 * A script or style element. Its text stays as it is, to the letter, because a content security
 * policy names it by hash; so it must not come from outside, or go through {@link escapeJson}.
 */
export function verbatim(open: string, text: string, close: string): Markup {
  return new Markup(open + text + close);
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
