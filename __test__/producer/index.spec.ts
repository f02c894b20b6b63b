import test from 'ava';
import * as all from 'node-damon';
import * as producer from 'node-damon/producer';

test('the small entry goes with the large one: the same error class, lanes for its producers', (t) => {
  t.is(producer.DamonError, all.DamonError);
  using live = new all.LiveKdamond({ regions: [{ start: 0, end: 4096 }] });
  const lane: producer.SharedLane = live.sharedLane();
  using writer = new producer.SharedProducer(lane);
  t.is(writer.report({ address: 0 }), 'queued');
});
