import test from 'ava';

import { charts, page } from '../../benches/javascript/plot.mjs';

const row = (scenario: string, params: object, subject: string, nsPerItem: number): string =>
  JSON.stringify({ scenario, params, subject, nsPerItem });

const ROWS = [
  '{"scenario":"machine","params":{"rustc":"rustc 1"}}',
  row('step', { regions: 10, schemes: 'none' }, 'ours', 3),
  row('step', { regions: 10, schemes: 'none' }, 'ours', 3),
  row('step', { regions: 10, schemes: 'none' }, 'copy', 1),
  row('step', { regions: 1_000, schemes: 'none' }, 'ours', 5),
  row('step', { regions: 10, schemes: 'stat' }, 'ours', 9),
  row('lanes', { lanes: 4 }, 'ours', 9),
  '',
].join('\n');

test('a chart has a line for each subject; what tells of one number of regions has none', (t) => {
  const ours = [
    { x: 10, y: 3 },
    { x: 1_000, y: 5 },
  ];
  t.deepEqual(charts(ROWS), [
    {
      title: 'step, schemes none',
      datasets: [
        { label: 'ours', data: ours },
        { label: 'copy', data: [{ x: 10, y: 1 }] },
      ],
    },
  ]);
});

test('the page needs nothing else, and no name ends its script', (t) => {
  const named =
    row('</script>', { regions: 1 }, 'a', 1) + '\n' + row('</script>', { regions: 2 }, 'a', 1);
  const text = page(named);
  t.is(text.match(/<\/script>/g)?.length, 2);
  t.notRegex(text, /src=|href=/);
});
