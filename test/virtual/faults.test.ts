import { casesAt, nameOf, play } from '../../scripts/lib/virtual/enumerate';
import { isOfServers } from '../../scripts/lib/virtual/faults';
import { specs } from '../../scripts/lib/virtual/specs';

/**
 * A part of what `./scripts/faults` tries: for each procedure every so many-th fault, another part of them each time that the procedure
 * gains or loses a step. All of them take minutes.
 */
const every = 61;

test.each(specs.map((spec) => ({ name: spec.name, spec })))(
  '$name: faults at its moments',
  async ({ spec }) => {
    const clean = await play(spec);
    expect(clean.problems).toEqual([]);
    expect(clean.ended.outcome).toBe('completed');
    const cases = casesAt(spec, clean).filter(({ fault }, index) => index % every === 0 || isOfServers(fault));
    expect(cases.length).toBeGreaterThan(5);
    for (const each of cases) {
      const { moments, problems } = await play(spec, each);
      expect([nameOf(each, moments), ...problems]).toEqual([nameOf(each, moments)]);
    }
  },
  120_000,
);

test('the same case comes out the same', async () => {
  const [spec] = specs;
  if (!spec) throw new Error('there are procedures');
  const once = await play(spec);
  expect(await play(spec)).toEqual(once);
});
