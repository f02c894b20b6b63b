import test from 'ava';
import fc from 'fast-check';

import { escapeHtml, escapeJson, html } from '../../../src/report/page/markup.ts';
import { check } from '../property.ts';

test('text is escaped, markup and lists of it are not', (t) => {
  const rows = ['<a>', '"b"'].map((cell) => html`<li title="${cell}">${cell}</li>`);
  t.is(
    html`${rows}`.text,
    '<li title="&#60;a&#62;">&#60;a&#62;</li><li title="&#34;b&#34;">&#34;b&#34;</li>',
  );
  t.is(html`${false}${null}${undefined}${0}${''}`.text, '0');
});

test('escaped text has no character with a meaning, and means itself', (t) => {
  check(
    t,
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeHtml(text);
      t.notRegex(escaped, /[<>"']/);
      t.is(
        escaped.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
        text,
      );
    }),
  );
});

test('JSON in a script element cannot end it, and is the same JSON', (t) => {
  check(
    t,
    fc.property(fc.jsonValue(), fc.string(), (value, text) => {
      const json = escapeJson([value, `${text}</script><!--`]);
      t.false(json.includes('<'));
      t.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify([value, `${text}</script><!--`])));
    }),
  );
});
