import { createPauses } from '../../openstack/pauses';

test('who asks for more than a minute is asked again after a minute, and who asks for less when he said', () => {
  let now = 0;
  const pauses = createPauses(() => now);
  pauses.answered('compute', { status: 429, retryAfterSeconds: 300 });
  pauses.answered('network', { status: 503, retryAfterSeconds: 40 });
  const over = (seconds: number): boolean[] => {
    now = seconds * 1_000;
    return [pauses.isOver('compute'), pauses.isOver('network')];
  };
  expect([over(39), over(40), over(59), over(60)]).toEqual([
    [false, false],
    [false, true],
    [false, true],
    [true, true],
  ]);
});
