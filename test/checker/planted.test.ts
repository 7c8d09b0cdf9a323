import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../checker';
import { guarantees, type Part } from '../../checker/verdict';
import type { CloudEvent } from '../../simulator/events';

/**
 * The log of a real run of the demo, in which everything held, and the same log with one violation planted. A checker that cannot
 * tell the two apart checks nothing.
 */
const real = JSON.parse(readFileSync(join(__dirname, '../fixtures/demo-log.json'), 'utf8')) as CloudEvent[];

type Of<T extends CloudEvent['type']> = Extract<CloudEvent, { type: T }>;

function copy(): CloudEvent[] {
  return structuredClone(real);
}

/** Places in the log follow its order again. */
function renumbered(events: readonly CloudEvent[]): CloudEvent[] {
  return events.map((event, index) => ({ ...event, seq: index + 1 }));
}

function find<T extends CloudEvent['type']>(
  events: readonly CloudEvent[],
  type: T,
  which: (event: Of<T>) => boolean = () => true,
): Of<T> {
  const found = events.find((event): event is Of<T> => event.type === type && which(event as Of<T>));
  if (!found) throw new Error(`the log has no such ${type}`);
  return found;
}

function note(
  events: readonly CloudEvent[],
  kind: string,
  which: (note: Record<string, unknown>) => boolean = () => true,
): Of<'note'> {
  return find(events, 'note', (event) => {
    const said = event.note as Record<string, unknown>;
    return said['kind'] === kind && which(said);
  });
}

function requestOf(events: readonly CloudEvent[], procedure: string): { at: number; id: string } {
  const event = note(events, 'request', (said) => said['procedure'] === procedure);
  return { at: event.seq - 1, id: String((event.note as Record<string, unknown>)['id']) };
}

/** Moves a server to another host, as if it had been meant to be there. */
function moved(events: CloudEvent[], name: string, host: string): CloudEvent[] {
  const { id } = find(events, 'server.created', (event) => event.name === name);
  return events.map((event): CloudEvent => {
    if (event.type === 'server.created' && event.id === id) return { ...event, requestedHost: host };
    if (event.type === 'server.placed' && event.id === id && event.host !== null) return { ...event, host };
    return event;
  });
}

function hostOf(events: readonly CloudEvent[], name: string): string {
  return find(events, 'server.created', (event) => event.name === name).requestedHost ?? '';
}

/** A server that comes and goes before anybody settles. */
function extra(at: { like: Of<'server.created'>; name: string; host: string; id: string }): CloudEvent[] {
  const { like, name, host, id } = at;
  return [
    { ...like, id, name, requestedHost: host, portIds: [] },
    { type: 'server.placed', seq: 0, at: like.at, requestId: null, id, host },
  ];
}

function deleted(id: string, at: number): CloudEvent {
  return { type: 'server.deleted', seq: 0, at, requestId: null, id };
}

interface Listed {
  readonly serverId: string;
  readonly host: string;
  readonly inService: boolean;
}

/** The records' members as they are said when a VNF has settled. */
function relisted(events: readonly CloudEvent[], change: (member: Listed, index: number) => Listed): CloudEvent[] {
  return events.map((event): CloudEvent => {
    const said = event.type === 'note' ? (event.note as { kind?: string; members?: Listed[] }) : {};
    if (event.type !== 'note' || said.kind !== 'settled') return event;
    return { ...event, note: { ...said, members: (said.members ?? []).map(change) } };
  });
}

/** As a tenant's record says it. */
function hashed(host: string): string {
  return createHash('sha224').update(host).digest('hex');
}

const planted: readonly [part: Part, what: string, plant: () => CloudEvent[]][] = [
  [
    'G1a',
    'three of six sprouts serve on one host',
    () => {
      const host = hostOf(real, 'ims1-sprout-1');
      return moved(moved(copy(), 'ims1-sprout-2', host), 'ims1-sprout-3', host);
    },
  ],
  [
    'G1b',
    'those who leave are unpublished before those who replace them are published',
    () => {
      const events = copy();
      const request = note(
        events,
        'request',
        (said) =>
          said['procedure'] === 'evacuateHost' && (said['request'] as { cause: string }).cause === 'maintenance',
      );
      const first = find(events, 'published', (event) => event.seq > request.seq && event.stage === 1);
      return renumbered(events.filter((event) => event !== first));
    },
  ],
  [
    'G1c',
    'four VMs of sprout exist on one host for a while',
    () => {
      const events = copy();
      const like = find(events, 'server.created', (event) => event.name === 'ims1-sprout-7');
      const host = hostOf(events, 'ims1-sprout-1');
      const ids = ['x1', 'x2', 'x3'];
      const index = events.indexOf(like);
      const come = ids.flatMap((id, number) => extra({ like, id, host, name: `ims1-sprout-${String(90 + number)}` }));
      const go = ids.map((id) => deleted(id, like.at));
      return renumbered([...events.slice(0, index), ...come, ...go, ...events.slice(index)]);
    },
  ],
  [
    'G1d',
    'a second sprout comes onto a host before enough others exist',
    () => {
      // Two of six on a host keep the share. The second may come when six exist, and it comes before.
      return moved(copy(), 'ims1-sprout-2', hostOf(real, 'ims1-sprout-1'));
    },
  ],
  [
    'G2',
    'a member is deleted while it serves',
    () => {
      const events = copy();
      const request = requestOf(events, 'scaleIn');
      const server = find(events, 'server.deleted', (event) => event.seq > request.at);
      const index = events.findIndex((event) => event.type === 'published' && event.seq > request.at);
      const rest = events.filter((event) => event !== server);
      return renumbered([...rest.slice(0, index), server, ...rest.slice(index)]);
    },
  ],
  ['G3', 'a sprout stands in the DMZ', () => moved(copy(), 'ims1-sprout-1', 'dmz-03')],
  [
    'G4',
    'a port is left behind',
    () => {
      const events = copy();
      const request = requestOf(events, 'scaleIn');
      const port = find(events, 'port.deleted', (event) => event.seq > request.at);
      return renumbered(events.filter((event) => event !== port));
    },
  ],
  [
    'G4',
    'the record has a member on another host than it is on',
    () => relisted(copy(), (member, index) => (index === 0 ? { ...member, host: 'dmz-04' } : member)),
  ],
  [
    'G4',
    'a hash in the record stands for two hosts',
    () => relisted(copy(), (member) => ({ ...member, host: hashed('all') })),
  ],
  [
    'G4',
    'two hashes in the record stand for one host',
    () => relisted(copy(), (member) => ({ ...member, host: hashed(member.serverId) })),
  ],
  [
    'G5',
    'a refusal has made a server',
    () => {
      const events = copy();
      const outcome = note(events, 'outcome', (said) => said['failure'] === 'QuotaExceeded');
      const like = find(events, 'server.created', (event) => event.name === 'ims1-sprout-1');
      const index = events.indexOf(outcome);
      return renumbered([
        ...events.slice(0, index),
        { ...like, id: 'x1', name: 'ims1-sprout-90', portIds: [] },
        deleted('x1', 0),
        ...events.slice(index),
      ]);
    },
  ],
  [
    'G6',
    'a request never ends',
    () => {
      const events = copy();
      const { id } = requestOf(events, 'terminate');
      const outcome = note(events, 'outcome', (said) => said['id'] === id);
      return renumbered(events.filter((event) => event !== outcome));
    },
  ],
  [
    'G7',
    'an earlier turn makes something during a later one',
    () => {
      const events = copy();
      const first = find(events, 'server.created');
      const token = first.tags.find((tag) => tag.startsWith('bulkhead:token=')) ?? '';
      return events.map((event) =>
        event.type === 'server.created' && event.name === 'ims1-sprout-8'
          ? {
              ...event,
              requestId: first.requestId,
              tags: [...event.tags.filter((tag) => !tag.startsWith('bulkhead:token=')), token],
            }
          : event,
      );
    },
  ],
  [
    'G8',
    'a level that the hosts have room for is refused as impossible',
    () => {
      const events = copy();
      const request = note(events, 'request', (said) => (said['request'] as { pool?: string }).pool === 'bono');
      const said = request.note as { request: object };
      // Four hosts, two on each: 8 is the most.
      return events.map((event) =>
        event === request ? { ...request, note: { ...said, request: { ...said.request, to: 8 } } } : event,
      );
    },
  ],
  [
    'G8',
    'a feasible request is given up with nothing in its way',
    () => {
      const events = copy();
      const { id } = requestOf(events, 'heal');
      const outcome = note(events, 'outcome', (said) => said['id'] === id);
      return events.map((event) =>
        event === outcome
          ? { ...event, note: { ...(outcome.note as object), outcome: 'unwound', failure: 'MemberFailed' } }
          : event,
      );
    },
  ],
];

test('the real log holds, and every guarantee was looked at', () => {
  const verdict = check(real);
  for (const guarantee of guarantees)
    expect({ guarantee, ...verdict.guarantees[guarantee], looked: 0 }).toEqual({
      guarantee,
      held: true,
      looked: 0,
      violations: [],
    });
  expect(verdict.ok).toBe(true);
});

test.each(planted)('%s is named when %s', (part, _what, plant) => {
  const verdict = check(plant());
  const broken = Object.values(verdict.guarantees).flatMap((each) =>
    each.violations.map((violation) => violation.part),
  );
  expect(broken).toContain(part);
  expect(verdict.ok).toBe(false);
});

test('a record that says hashes in the place of hosts holds', () => {
  expect(check(relisted(real, (member) => ({ ...member, host: hashed(member.host) }))).ok).toBe(true);
});

test('a log with nothing relevant in it fails', () => {
  expect(check([]).ok).toBe(false);
  expect(check(real.filter((event) => event.type === 'host')).ok).toBe(false);
});

test('a guarantee that nothing was held against is not said to be held', () => {
  for (const guarantee of guarantees) expect(check([]).guarantees[guarantee].held).toBe(false);
});
