import { check } from '../../checker';
import { Log } from './log';

/** G1 and G8 of failure domains: each broken where every host has no more than its share, so that it is the rack alone that says so. */

const twoRacks = { racks: ['r1', 'r1', 'r2', 'r2'] };
const threeRacks = { racks: ['r1', 'r1', 'r2', 'r3'] };

function grow(log: Log, to: number, procedure: 'scaleOut' | 'scaleIn' = 'scaleOut'): void {
  log.note({ kind: 'request', id: 'grow', procedure, vnf: 'v', request: { vnf: 'v', pool: 'c', to } });
}

/** What is said of racks, by part. */
function saidOfRacks(log: Log): string[] {
  return log
    .violations()
    .filter(({ domain, host }) => domain !== undefined && host === undefined)
    .map(({ part, message }) => `${part}: ${message}`);
}

test('nothing is broken where each rack has its share', () => {
  const log = new Log(twoRacks);
  log.instantiate('v', { rackSpare: 2, on: 'h1 h2 h3 h4' });
  expect(log.broken()).toEqual([]);
});

test('hosts of which nobody says the rack are in none, and not in one together', () => {
  const log = new Log({ racks: ['r1', 'r2'] });
  log.instantiate('v', { rackSpare: 1, on: 'h1 h2 h3 h4' });
  expect(log.broken()).toEqual([]);
});

test('a pool that says nothing of racks is not judged by them: as many facts, and no breach', () => {
  const [flat, racked] = [new Log(), new Log(twoRacks)];
  for (const log of [flat, racked]) log.instantiate('v', { on: 'h1 h2 h3' });
  expect(check(racked.events, { open: true })).toEqual(check(flat.events, { open: true }));
});

test('G1a, G1b, G1c: two on different hosts of a rack that may have one', () => {
  const log = new Log(twoRacks);
  log.instantiate('v', { rackSpare: 1, on: 'h1 h2 h3' });
  const members = [1, 2, 3].map((ordinal) => ({
    ...{ pool: 'c', ordinal, serverId: `v/c-${String(ordinal)}`, portIds: [], host: `h${String(ordinal)}` },
    inService: true,
  }));
  const free = { exists: true, revision: 1, levels: { c: 3 }, securityGroups: [], serverGroups: [] };
  log.note({ kind: 'settled', vnf: 'v', ...free, members });
  expect(new Set(saidOfRacks(log))).toEqual(
    new Set([
      'G1a: 2 members of c serve in rack r1, and 1 may',
      'G1b: the loss of rack r1 would leave 1 of c, and the load needs 2',
      'G1c: 2 VMs of c exist in rack r1, and 1 may',
    ]),
  );
  expect(saidOfRacks(log)).toHaveLength(log.broken().length);
});

test('G1c: a VM too many exists in a rack, and never serves', () => {
  const log = new Log(threeRacks);
  log.instantiate('v', { spare: 2, rackSpare: 1, on: 'h1 h3 h4' });
  log.launch('v', 'c-4', 'h2');
  expect(log.broken()).toEqual([]);
  // One may have come for another that leaves, and no two.
  log.launch('v', 'c-5', 'h2');
  expect(saidOfRacks(log)).toEqual(['G1c: 2 VMs of c exist in rack r1, and 1 may']);
  expect(log.broken()).toHaveLength(1);
});

describe('one that comes into a rack that has its share', () => {
  const replaced = (then: string[]): Log => {
    const log = new Log(twoRacks);
    log.instantiate('v', { rackSpare: 1, on: 'h1 h3' });
    log.launch('v', 'c-3', 'h2');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] }, 1);
    log.publish('v', { c: then }, 2);
    return log;
  };

  test('breaks nothing where another leaves the rack for it', () => {
    const log = replaced(['v-c-2', 'v-c-3']);
    expect(log.broken()).toEqual([]);
    // It drains still, and does not count there any more: nor does that it goes at last.
    log.add({ type: 'server.deleted', id: 'v/c-1' });
    expect(log.broken()).toEqual([]);
  });

  test('G1a, G1c: is one too many where another rack is left', () => {
    expect(saidOfRacks(replaced(['v-c-1', 'v-c-3']))).toEqual(
      expect.arrayContaining([
        'G1a: 2 members of c serve in rack r1, and 1 may',
        'G1c: 2 VMs of c existed in rack r1 beside those that left it for them, and 1 may',
      ]),
    );
  });
});

test('G1c: a member and its double on two hosts of a rack are one', () => {
  const log = new Log(twoRacks);
  log.instantiate('v', { rackSpare: 1, on: 'h1 h3' });
  log.launch('v', 'c-1', 'h2', { id: 'double' });
  expect(log.broken()).toEqual([]);
});

describe('G1d: launches', () => {
  /** One of three may be in a rack, and two of four. */
  const grown = (first: () => string, before: (log: Log) => void = () => undefined): Log => {
    const log = new Log(threeRacks);
    log.instantiate('v', { spare: '1/2', rackSpare: '1/2', on: 'h1 h3' });
    grow(log, 4);
    before(log);
    for (const [index, host] of [first(), first() === 'h2' ? 'h4' : 'h2'].entries())
      log.launch('v', `c-${String(index + 3)}`, host);
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3', 'v-c-4'] });
    return log;
  };

  test('in an order that breaks the letter for a rack, where another one would not', () => {
    expect(saidOfRacks(grown(() => 'h2'))).toEqual([
      'G1d: 2 of 3 existing VMs of c were in rack r1, 1 may be, and another order of the same launches would have kept that',
    ]);
    expect(grown(() => 'h2').broken()).toHaveLength(1);
    expect(grown(() => 'h4').broken()).toEqual([]);
  });

  test('are judged with and without who is dead, as on hosts', () => {
    const dies = (log: Log): void => {
      log.add({ type: 'server.state', id: 'v/c-1', state: 'ERROR', fault: null });
    };
    expect(grown(() => 'h2', dies).broken()).not.toContain('G1d');
  });
});

test('G1d: deletions in an order that breaks the letter for a rack, where another one would not', () => {
  const shrunk = (order: readonly number[]): Log => {
    const log = new Log(threeRacks);
    // Two of four may be in a rack, and one of three.
    log.instantiate('v', { spare: 2, rackSpare: '1/2', on: 'h1 h3 h4 h2 h3' });
    grow(log, 2, 'scaleIn');
    for (const member of order) log.add({ type: 'server.deleted', id: `v/c-${String(member)}` });
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    return log;
  };
  expect(saidOfRacks(shrunk([3, 4, 5]))).toEqual([
    'G1d: 2 of 3 existing VMs of c were in rack r2, 1 may be, and another order of the same deletions would have kept that',
  ]);
  expect(saidOfRacks(shrunk([4, 5, 3]))).toEqual([]);
});

describe('G8: a refusal', () => {
  const refused = (rackSpare: number, on: string): Log => {
    const log = new Log({ ...twoRacks, sized: true });
    log.instantiate('v', { rackSpare, on });
    grow(log, on.split(' ').length + 1);
    log.note({ kind: 'outcome', id: 'grow', outcome: 'refused', failure: 'Impossible' });
    return log;
  };

  test('is right where hosts have room, and racks have their share', () => {
    expect(refused(1, 'h1 h3').broken()).toEqual([]);
  });

  test('is wrong where racks have room too', () => {
    expect(refused(2, 'h1 h2 h3').broken()).toEqual(['G8']);
  });
});

test('who was moved into a rack that has its share breaks nothing of ours before a rebalance, and does after it', () => {
  const log = new Log(twoRacks);
  log.instantiate('v', { rackSpare: 1, on: 'h1 h3' });
  log.add({ type: 'server.placed', id: 'v/c-2', host: 'h2' });
  log.publish('v', { c: ['v-c-1', 'v-c-2'] });
  expect(log.broken()).toEqual([]);
  log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
  log.note({ kind: 'outcome', id: 'mend', outcome: 'completed' });
  log.publish('v', { c: ['v-c-1', 'v-c-2'] });
  expect(saidOfRacks(log)).toContain('G1a: 2 members of c serve in rack r1, and 1 may');
});
