import { fc } from '../property';
import {
  givenUpPortName,
  groupMarks,
  memberName,
  portMarks,
  portName,
  readMarks,
  readMemberName,
  readPortName,
  readTags,
  requestId,
  tag,
  tagLengthMax,
} from '../../domain/names';
import { parseDescriptor } from '../../domain/descriptor/parse';
import { vnfSchema } from '../../domain/procedures';

const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const anyLabel = (longest: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, ...Array.from('0123456789-')), maxLength: longest - 1 }),
    )
    .map(([first, rest]) => (first + rest).replace(/-+$/, ''));
const anyMember = fc.record({
  vnf: anyLabel(20),
  pool: anyLabel(20),
  ordinal: fc.integer({ min: 1, max: 999_999_999_999_999 }),
  token: fc.uuid(),
});

function acceptsPool(name: string): boolean {
  const size = { min: 2, initial: 2, max: 2 };
  const pool = { name, zone: 'mz', size, spare: 1, flavor: 'f', image: 'i', networks: ['n'] };
  return parseDescriptor({ name: 'test', networks: { n: { network: 'n' } }, pools: [pool] }).ok;
}

function acceptsVnf(name: string): boolean {
  return vnfSchema.safeParse(name).success;
}

/** The longest that both the schema of a VNF's id and that of a descriptor let through. */
const longestOf = (accepts: (name: string) => boolean): number =>
  Array.from({ length: 300 }, (_, index) => index + 1)
    .filter((length) => accepts('a'.repeat(length)))
    .at(-1) ?? 0;

describe('tags', () => {
  test('are read as they were written, in any order and among others', () => {
    fc.assert(
      fc.property(
        anyMember,
        fc.array(fc.string()),
        fc.nat({ max: 20 }),
        ({ vnf, pool, ordinal, token }, others, turn) => {
          const strange = others.filter((each) => !each.startsWith('bulkhead:'));
          const all = [tag.vnf(vnf), tag.pool(pool), tag.ordinal(ordinal), tag.token(token), ...strange];
          const at = turn % all.length;
          expect(readTags([...all.slice(at), ...all.slice(0, at)])).toEqual({ vnf, pool, ordinal, token });
        },
      ),
    );
  });

  test.each([
    ['there are none', []],
    ['they are of somebody else', ['vnf=ims1', 'bulkhead', 'bulkhead:', 'BULKHEAD:vnf=ims1', ' bulkhead:vnf=ims1']],
    ['they are of another kind', ['bulkhead:vnfs=ims1', 'bulkhead:pool', 'bulkhead:level=7']],
    ['they say nothing', ['bulkhead:vnf=', 'bulkhead:pool=', 'bulkhead:ordinal=', 'bulkhead:token=']],
  ])('say nothing where %s', (_what, tags) => {
    expect(readTags(tags)).toEqual({});
  });

  test.each(['0', '-1', '1.5', '07', '1e3', '0x10', ' 7', '7 ', 'seven', '99999999999999999999', 'NaN'])(
    'with an ordinal of %j are of no member, and the rest is read',
    (ordinal) => {
      expect(readTags([`bulkhead:ordinal=${ordinal}`, tag.vnf('ims1')])).toEqual({ vnf: 'ims1' });
    },
  );

  test('tell pools apart whose names begin alike', () => {
    expect([readTags([tag.pool('web')]).pool, readTags([tag.pool('web-1')]).pool]).toEqual(['web', 'web-1']);
  });

  test('of the longest names that are let through are no longer than Nova and Neutron allow', () => {
    const [vnf, pool] = [longestOf(acceptsVnf), longestOf(acceptsPool)];
    expect([vnf, pool]).toEqual([20, 20]);
    const longest = [
      tag.vnf('a'.repeat(vnf)),
      tag.pool('a'.repeat(pool)),
      tag.ordinal(Number.MAX_SAFE_INTEGER),
      tag.token('00000000-0000-4000-8000-000000000000'),
    ];
    for (const each of longest) expect(each.length).toBeLessThanOrEqual(tagLengthMax);
    const of = { vnf: 'a'.repeat(vnf), pool: 'a'.repeat(pool), token: '00000000-0000-4000-8000-000000000000' };
    for (const marks of [groupMarks(of), portMarks(of)]) expect(marks.length).toBeLessThanOrEqual(255);
    expect(readMarks(groupMarks(of))).toEqual(of);
    // Nova refuses a comma and a slash in a tag, and so must the forms of names.
    for (const name of ['a,b', 'a/b', 'a b', 'a=b'])
      expect([acceptsVnf(name), acceptsPool(name)]).toEqual([false, false]);
  });
});

describe('names', () => {
  test('of members with the longest names that are let through are DNS labels, whatever the ordinal', () => {
    const [vnf, pool] = ['a'.repeat(longestOf(acceptsVnf)), 'b'.repeat(longestOf(acceptsPool))];
    expect(memberName(vnf, pool, Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(63);
  });

  test('of two members of a VNF are never the same, whatever their pools are called', () => {
    const anyName = fc.constantFrom('web', 'web-1', 'web-1-1', 'w', 'w-1');
    fc.assert(
      fc.property(anyName, anyName, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (a, b, n, m) => {
        if (a === b && n === m) return;
        expect(memberName('ims1', a, n)).not.toBe(memberName('ims1', b, m));
      }),
    );
  });

  test('of ports are read back, also of pools that are named like ordinals and networks', () => {
    fc.assert(
      fc.property(fc.constantFrom('web', 'web-1', 'a-2-b'), fc.integer({ min: 1, max: 999 }), (pool, ordinal) => {
        for (const network of ['mgmt', '2-b', '1'])
          expect(readPortName('ims1', portName(memberName('ims1', pool, ordinal), network))).toEqual({ pool, ordinal });
      }),
    );
    expect(readPortName('ims1', 'ims2-web-1.mgmt')).toBeUndefined();
    expect(readPortName('ims1', givenUpPortName('ims1-web-7'))).toEqual({ pool: 'web', ordinal: 7 });
    expect(readPortName('ims1', '')).toBeUndefined();
    for (const name of ['ims1-web', 'ims1-web-01', 'ims1-web-0', 'ims1-web-1e3', 'ims2-web-1'])
      expect(readMemberName('ims1', name)).toBeUndefined();
  });

  test('are what people read', () => {
    expect([memberName('ims1', 'sprout', 7), portName('ims1-sprout-7', 'mgmt'), requestId('t')]).toEqual([
      'ims1-sprout-7',
      'ims1-sprout-7.mgmt',
      'req-t',
    ]);
  });
});
