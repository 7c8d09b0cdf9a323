import { casesAt, nameOf, play, type Case } from '../../scripts/lib/virtual/enumerate';
import { isOfServers } from '../../scripts/lib/virtual/faults';
import { specs, type Spec } from '../../scripts/lib/virtual/specs';

/**
 * A part of what `./scripts/faults` tries: for each procedure every so many-th fault, another part of them each time that the procedure
 * gains or loses a step. All of them take minutes. In several files, since a file keeps what it has played in memory until it ends.
 */
const every = 211;

export type Part = 'one pool' | 'two pools' | 'a tenant' | 'special clouds';

export function playMoments(part: Part): void {
  test.each(specs.filter((spec) => partOf(spec) === part).map((spec) => ({ name: spec.name, spec })))(
    '$name: faults at its moments',
    async ({ spec }) => {
      const clean = await play(spec);
      expect(clean.problems).toEqual([]);
      expect(clean.ended.outcome).toBe(spec.ends ?? 'completed');
      const all = casesAt(spec, clean);
      const cases = all.filter(({ fault }, index) => index % every === 0 || isOfServers(fault));
      expect(cases.filter(({ fault }) => !isOfServers(fault)).length).toBeGreaterThan(1);
      for (const each of cases) await expectAsPromised(each);
    },
    120_000,
  );
}

/** Each has its part. */
function partOf({ name }: Spec): Part {
  if (name.includes('(tenant)')) return 'a tenant';
  if (name.includes(' where ') || name.includes('rack')) return 'special clouds';
  return name.includes('(two pools)') ? 'two pools' : 'one pool';
}

export async function expectAsPromised(each: Case): Promise<Awaited<ReturnType<typeof play>>> {
  const played = await play(each.spec, each);
  const name = nameOf(each);
  expect([name, ...played.problems]).toEqual([name]);
  return played;
}
