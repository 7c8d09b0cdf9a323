import type { Together } from '../../domain/placement/together';
import { findMisplaced } from '../../activities/wait/together';
import type { nova } from '../../openstack';
import { memberOn } from '../domain/build';

/** Members by their ordinal and the hosts that the cloud shows them on, e.g. `{1: 'h1'}`. */
function misplaced(
  seen: Readonly<Record<number, string>>,
  limits: Partial<Together>,
  fresh: readonly number[],
): readonly string[] {
  const servers = new Map(
    Object.entries(seen).map(([ordinal, hostId]) => [
      `web-${ordinal}`,
      { id: `web-${ordinal}`, hostId, status: 'ACTIVE' } as nova.Server,
    ]),
  );
  const web: Together = { cap: 1, capDuring: 1, staying: [], leaving: [], barred: [], ...limits };
  const members = fresh.map((ordinal) => memberOn('web', ordinal, ''));
  return [...findMisplaced({ vnf: 'v1', members, servers, together: { web } }).keys()];
}

const staying = [memberOn('web', 1, 'h1')];

test.each([
  ['one on a host of its own is where it may be', { 1: 'h1', 2: 'h2' }, { staying }, []],
  ['one beside a member that serves is one too many', { 1: 'h1', 2: 'h1' }, { staying }, ['web-2']],
  ['of two new ones on one host the older stays', { 2: 'h2', 3: 'h2' }, {}, ['web-3']],
  ['one on a barred host is misplaced, however few are there', { 2: 'h2' }, { barred: ['h2'] }, ['web-2']],
  ['one that has no host yet is not', { 1: 'h1', 2: '' }, { staying, barred: [''] }, []],
  [
    'one beside a member that leaves counts while both are published',
    { 1: 'h1', 2: 'h1' },
    { leaving: staying },
    ['web-2'],
  ],
  ['and may be there where either level allows it', { 1: 'h1', 2: 'h1' }, { leaving: staying, capDuring: 2 }, []],
  ['a member that was moved counts where it is', { 1: 'h2', 2: 'h2' }, { staying }, ['web-2']],
  ['and where the record has it', { 1: 'h2', 2: 'h1' }, { staying }, ['web-2']],
] as const)('%s', (_what, seen, limits, expected) => {
  const fresh = Object.keys(seen)
    .map(Number)
    .filter((ordinal) => ordinal > 1);
  expect(misplaced(seen, limits, fresh)).toEqual(expected);
});
