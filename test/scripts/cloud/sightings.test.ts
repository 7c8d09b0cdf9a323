import type { CloudChange } from '../../../simulator/events';
import {
  newSightings,
  type Look,
  type PortSaid,
  type ServerSaid,
  type Sightings,
  type SightingsOptions,
} from '../../../scripts/lib/cloud/external/sightings';

/** One order of changes out of what is told and what is looked up, both of them late. */

let log: CloudChange[];
let looksWanted: number;
let sightings: Sightings;

function open(servers: SightingsOptions['servers']): void {
  log = [];
  looksWanted = 0;
  sightings = newSightings({
    project: 'p',
    servers,
    emit: (change) => log.push(change),
    wantsLook: () => (looksWanted += 1),
  });
}

const tags = ['bulkhead:vnf=ims1', 'bulkhead:pool=web', 'bulkhead:token=t1'];
const wish: ServerSaid = { id: 's1', project: 'p', zone: 'mz', requestedHost: 'cmp-01', requestId: 'req-t1' };
const building: ServerSaid = { id: 's1', name: 'ims1-web-1', project: 'p', tags, host: null, state: 'BUILD' };
const port: PortSaid = { id: 'p1', name: 'ims1-web-1.mgmt', network: 'n', description: tags.join(' '), address: 'a' };

function look(of: Partial<Look>, final = false): void {
  sightings.looked(
    { mark: sightings.mark(), hosts: [], servers: [], ports: [], groups: [], serverGroups: [], ...of },
    final,
  );
}

/** The log in short: `server.created s1`, `server.state ACTIVE`. */
function said(): string[] {
  return log.map((change) => {
    if (change.type === 'server.placed') return `placed ${change.host ?? '-'}`;
    if (change.type === 'server.state') return change.state;
    return change.type;
  });
}

describe('a cloud that tells what it does', () => {
  beforeEach(() => {
    open('told');
  });

  test('a server is told of when its wish and its tags are known, and then all that was seen of it', () => {
    sightings.toldServer({ ...building, host: 'cmp-01' }, 2);
    sightings.toldServer({ ...building, host: 'cmp-01', state: 'ACTIVE' }, 3);
    expect(log).toEqual([]);
    sightings.toldServer(wish, 1);
    expect(said()).toEqual(['server.created', 'placed cmp-01', 'ACTIVE']);
    expect(log[0]).toMatchObject({ requestedHost: 'cmp-01', zone: 'mz', tags, requestId: 'req-t1' });
  });

  test('a notification that is older than the last one of the same server changes nothing', () => {
    sightings.toldServer(wish, 1);
    sightings.toldServer({ ...building, host: 'cmp-01', state: 'ERROR' }, 5);
    sightings.toldServer({ ...building, host: 'cmp-01', state: 'ACTIVE' }, 4);
    expect(said()).toEqual(['server.created', 'placed cmp-01', 'ERROR']);
  });

  test('what is gone does not come back, whoever says so', () => {
    sightings.toldServer(wish, 1);
    sightings.toldServer(building, 2);
    sightings.toldServer({ id: 's1', gone: true }, 3);
    sightings.toldServer({ ...building, state: 'ACTIVE' }, 4);
    look({ servers: [{ ...building, state: 'ACTIVE' }] });
    expect(said()).toEqual(['server.created', 'server.deleted']);
  });

  test('what was first seen after a look began cannot be missing from it', () => {
    const mark = sightings.mark();
    sightings.toldServer(wish, 1);
    sightings.toldServer(building, 2);
    sightings.toldPort(port);
    look({ mark });
    expect(said()).toEqual(['server.created', 'port.created']);
    look({});
    expect(said()).toEqual(['server.created', 'port.created', 'server.deleted', 'port.deleted']);
  });

  test('ACTIVE is taken from a look; that something broke only from two, since one may be older than what was told', () => {
    sightings.toldServer(wish, 1);
    sightings.toldServer({ ...building, host: 'cmp-01' }, 2);
    const active: ServerSaid = { ...building, host: 'cmp-01', state: 'ACTIVE' };
    look({ servers: [active] });
    expect(said().at(-1)).toBe('ACTIVE');
    look({ servers: [{ ...active, state: 'ERROR' }] });
    expect(said().at(-1)).toBe('ACTIVE');
    look({ servers: [{ ...active, state: 'ERROR' }] });
    expect(said().at(-1)).toBe('ERROR');
  });

  test('a word of its building that comes after ACTIVE is a late one', () => {
    sightings.toldServer(wish, 1);
    look({ servers: [{ ...building, host: 'cmp-01', state: 'ACTIVE' }] });
    sightings.toldServer({ ...building, host: 'cmp-01' }, 2);
    expect(said().filter((each) => each === 'BUILD')).toEqual([]);
  });

  test('a server that the scheduler says nothing of is told of after some looks, or at once where it must be', () => {
    look({ servers: [building] });
    expect(log).toEqual([]);
    look({ servers: [building] }, true);
    expect(log).toMatchObject([{ type: 'server.created', requestedHost: null }]);
  });

  test('a token behind a mask is looked up, and is not taken from the call', () => {
    const masked = tags.map((tag) => tag.replace('=t1', '=***'));
    sightings.toldServer(wish, 1);
    sightings.toldServer({ ...building, tags: masked, requestId: 'req-t1' }, 2);
    sightings.toldPort({ ...port, description: masked.join(' '), requestId: 'req-t1' });
    expect(log).toEqual([]);
    expect(looksWanted).toBe(2);
    const other = tags.map((tag) => tag.replace('=t1', '=other'));
    look({ servers: [{ ...building, tags: other }], ports: [{ ...port, description: other.join(' ') }] });
    expect(log).toMatchObject([
      { type: 'port.created', description: other.join(' '), requestId: 'req-t1' },
      { type: 'server.created', tags: other, requestId: 'req-t1' },
    ]);
  });

  test("server groups are known by their names, behind a mask too, and nobody's are not told of", () => {
    const name = ['ims1-web-apart-1', ...tags].join(' ');
    sightings.toldServerGroup({ id: 'probe', name: 'ims1-probe-7' });
    sightings.toldServerGroup({ id: 'g1', name: name.replace('=t1', '=***'), requestId: 'req-t1' });
    expect([log, looksWanted]).toEqual([[], 1]);
    look({ serverGroups: [{ id: 'g1', name }] });
    expect(log).toMatchObject([{ type: 'serverGroup.created', name, requestId: 'req-t1' }]);
    look({});
    expect(said()).toEqual(['serverGroup.created', 'serverGroup.deleted']);
  });

  test('of what was gone before it could be looked up, the token is that of the call', () => {
    const masked = tags.map((tag) => tag.replace('=t1', '=***'));
    sightings.toldServer(wish, 1);
    sightings.toldServer({ ...building, tags: masked, requestId: 'req-t1' }, 2);
    sightings.toldPort({ ...port, description: masked.join(' '), requestId: 'req-t1' });
    sightings.toldServer({ id: 's1', gone: true }, 3);
    sightings.toldPortGone('p1', null);
    expect(said()).toEqual(['server.created', 'server.deleted', 'port.created', 'port.deleted']);
    expect(log[0]).toMatchObject({ tags });
    expect(log[2]).toMatchObject({ description: tags.join(' ') });
  });

  test("other projects' servers are not of this log, nor are ports of nobody's VNF", () => {
    sightings.toldServer({ ...wish, project: 'other' }, 1);
    sightings.toldServer({ ...building, project: 'other' }, 2);
    sightings.toldPort({ ...port, description: 'mine' });
    expect(log).toEqual([]);
  });
});

describe('a cloud that is looked at', () => {
  beforeEach(() => {
    open('looked up');
  });

  test('what is seen is told of at once, and what is gone before what is new', () => {
    look({ servers: [{ ...building, host: 'cmp-01', state: 'ACTIVE' }] });
    look({ servers: [{ ...building, id: 's2', host: 'cmp-02', state: 'ERROR' }] });
    expect(said()).toEqual([
      ...['server.created', 'placed cmp-01', 'ACTIVE'],
      ...['server.deleted', 'server.created', 'placed cmp-02', 'ERROR'],
    ]);
  });

  test('where it was asked to be nobody knows', () => {
    look({ servers: [{ ...building, host: 'cmp-01' }] });
    expect(log[0]).toMatchObject({ type: 'server.created', requestedHost: null });
  });

  test('a host is told of when it has changed, and is dead by the word of whoever killed it alone', () => {
    const host = { host: 'cmp-01', zone: 'mz', up: true, enabled: true, forcedDown: false, disabledReason: null };
    look({ hosts: [host] });
    look({ hosts: [host] });
    look({ hosts: [{ ...host, up: false }] });
    sightings.setAlive('cmp-01', false);
    sightings.setAlive('cmp-01', true);
    expect(log).toMatchObject([
      { up: true, alive: true },
      { up: false, alive: true },
      { up: false, alive: false },
      { up: false, alive: true },
    ]);
  });
});
