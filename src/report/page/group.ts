/** Rows of a table that stand together under a heading of their own. */
import { html, type Markup } from './markup.ts';

/** Members of a group, in order. */
interface Group<Member> {
  readonly group: string;
  readonly members: readonly Member[];
}

/** By group, in the order in which they come. */
export function groupsOf<Member extends { readonly group: string }>(
  members: readonly Member[],
): Group<Member>[] {
  const names = [...new Set(members.map(({ group }) => group))];
  return names.map((name) => ({
    group: name,
    members: members.filter(({ group }) => group === name),
  }));
}

/** Over all columns, however many. */
export function groupHeading(name: string): Markup {
  return html`<tr class="group">
    <th scope="rowgroup" colspan="99">${name}</th>
  </tr>`;
}
