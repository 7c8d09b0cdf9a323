import { readMarks } from '../../../../domain/names';
import type { CloudChange } from '../../../../simulator/events';

/**
 * Makes one order of changes out of what is told (notifications) and what is looked up (lists). Both are late, each in its own way,
 * so neither is believed blindly:
 *
 * - what can only go one way is taken from whoever says it first: a server exists, has become ACTIVE, is gone. Nothing comes back;
 * - everything else (another host, ERROR, off) is taken from notifications where there are any, and from a list only if two in a row
 *   say so: a list may have been under way while the world changed;
 * - a notification that is older than the last one of the same server changes nothing any more;
 * - a server is told of when it is known whose it is and where it was asked to be, and what was seen of it before waits for that.
 *
 * oslo.messaging's `log` driver takes a tag or a description with `token=…` for a secret and writes `token=***`. Whose turn made
 * something is then looked up, at once; only of what was gone before that is the turn taken to be the one that the call was made for.
 */

export type ServerState = 'BUILD' | 'ACTIVE' | 'ERROR' | 'SHUTOFF' | 'REBUILD';

/** What is said of a server. Absent: not said. */
export interface ServerSaid {
  readonly id: string;
  readonly name?: string;
  readonly project?: string;
  readonly flavor?: string;
  readonly tags?: readonly string[];
  readonly zone?: string | null;
  /** Null: it was asked for on no host by name. */
  readonly requestedHost?: string | null;
  readonly host?: string | null;
  readonly state?: ServerState;
  readonly fault?: string | null;
  readonly gone?: boolean;
  readonly requestId?: string | null;
}

export interface HostSaid {
  readonly host: string;
  readonly zone: string;
  readonly up: boolean;
  readonly enabled: boolean;
  readonly forcedDown: boolean;
  readonly disabledReason: string | null;
}

export interface PortSaid {
  readonly id: string;
  readonly name: string;
  readonly network: string;
  readonly description: string;
  readonly address: string;
  readonly requestId?: string | null;
}

export interface GroupSaid {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly requestId?: string | null;
}

/** Its name says whose it is: it has nothing else. */
export interface ServerGroupSaid {
  readonly id: string;
  readonly name: string;
  readonly requestId?: string | null;
}

/** Everything of the project, as lists said it that were begun after `mark()` was taken. */
export interface Look {
  readonly mark: number;
  readonly hosts: readonly HostSaid[];
  readonly servers: readonly ServerSaid[];
  readonly ports: readonly PortSaid[];
  readonly groups: readonly GroupSaid[];
  readonly serverGroups: readonly ServerGroupSaid[];
}

export interface SightingsOptions {
  readonly project: string;
  /** Nova tells what it does. */
  readonly servers: 'told' | 'looked up';
  readonly emit: (change: CloudChange) => void;
  /** Something is told of that cannot be understood without a look. */
  readonly wantsLook: () => void;
}

export interface Sightings {
  /** From a notification. `at` orders those of one server. */
  readonly toldServer: (said: ServerSaid, at: number) => void;
  readonly toldPort: (port: PortSaid) => void;
  readonly toldPortGone: (id: string, requestId: string | null) => void;
  readonly toldGroup: (group: GroupSaid) => void;
  readonly toldGroupGone: (id: string, requestId: string | null) => void;
  readonly toldServerGroup: (group: ServerGroupSaid) => void;
  readonly toldServerGroupGone: (id: string, requestId: string | null) => void;
  /** Taken before a look begins: what is first seen after it cannot be missing from the look. */
  readonly mark: () => number;
  /** `final`: whoever was held back for want of knowledge is told of now. */
  readonly looked: (look: Look, final: boolean) => void;
  /** By whoever has killed it, or brought it back: a cloud only says what it has heard. */
  readonly setAlive: (host: string, alive: boolean) => void;
}

interface Known {
  readonly id: string;
  readonly since: number;
  name: string | undefined;
  project: string | undefined;
  flavor: string | undefined;
  tags: readonly string[] | undefined;
  /** What its tags seem to be behind a mask. */
  masked: readonly string[];
  zone: string | null | undefined;
  requestedHost: string | null | undefined;
  /** The global one of the call that made it, where that was told. */
  requestId: string | null;
  host: string | null;
  state: ServerState;
  toldAt: number;
  created: boolean;
  /** How many looks have seen it without its being told of. */
  looks: number;
  readonly waiting: CloudChange[];
  /** What the last look said and the log does not, while no notification came. */
  doubt: string;
}

const mask = 'token=***';

function isMasked(text: string): boolean {
  return text.includes(mask);
}

/** Every call of a turn bears its token. */
function unmasked(text: string, requestId: string | null | undefined): string {
  return text.replace(mask, `token=${(requestId ?? '').replace(/^req-/, '')}`);
}

/** So many looks are waited for the scheduler's word on where a server was asked to be. */
const looksHeldMost = 3;

export function newSightings(options: SightingsOptions): Sightings {
  const { emit, project } = options;
  const known = new Map<string, Known>();
  const gone = new Set<string>();
  const hosts = new Map<string, HostSaid>();
  const dead = new Set<string>();
  const ports = new Map<string, number>();
  const groups = new Map<string, number>();
  const serverGroups = new Map<string, number>();
  /** Ports and groups that were told of, whose description is masked. */
  const veiled = new Map<string, { readonly requestId: string | null; readonly unveil: () => void }>();
  let moment = 0;

  const knownOf = (id: string): Known => {
    const found = known.get(id);
    if (found) return found;
    const made: Known = {
      ...{ id, since: ++moment, name: undefined, project: undefined, flavor: undefined, tags: undefined, masked: [] },
      ...{ zone: undefined, requestedHost: options.servers === 'told' ? undefined : null, requestId: null },
      ...{ host: null, state: 'BUILD', toldAt: 0, created: false, looks: 0, waiting: [], doubt: '' },
    };
    known.set(id, made);
    return made;
  };

  const learn = (server: Known, said: ServerSaid): void => {
    server.name ??= said.name;
    server.project ??= said.project;
    server.flavor ??= said.flavor;
    if (said.tags?.some(isMasked) === true) {
      server.masked = said.tags.map((tag) => unmasked(tag, said.requestId));
      if (server.tags === undefined && server.project === project) options.wantsLook();
    } else if (said.tags !== undefined && said.tags.length > 0) {
      // A server is there a moment before its tags are.
      server.tags = said.tags;
    }
    server.zone ??= said.zone;
    if (said.requestedHost !== undefined) server.requestedHost ??= said.requestedHost;
    server.requestId ??= said.requestId ?? null;
  };

  const put = (server: Known, change: CloudChange): void => {
    if (server.created) emit(change);
    else server.waiting.push(change);
  };

  const move = (server: Known, said: ServerSaid): void => {
    const { id } = server;
    const requestId = said.requestId ?? null;
    if (said.host !== undefined && said.host !== server.host) {
      server.host = said.host;
      put(server, { type: 'server.placed', requestId, id, host: said.host });
    }
    // What is said in BUILD after that is a late word: nothing is built twice.
    if (said.state === undefined || said.state === server.state || said.state === 'BUILD') return;
    server.state = said.state;
    put(server, { type: 'server.state', requestId, id, state: said.state, fault: said.fault ?? null });
  };

  /** Tells of a server that is now known well enough, or must be told of. */
  const introduce = (server: Known, force: boolean): void => {
    if (server.created || server.project !== project || server.name === undefined) return;
    const isKnown = server.tags !== undefined && server.requestedHost !== undefined;
    if (!isKnown && !force) return;
    server.created = true;
    emit({
      type: 'server.created',
      requestId: server.requestId,
      id: server.id,
      name: server.name,
      project,
      flavor: server.flavor ?? '',
      tags: [...(server.tags ?? server.masked)],
      portIds: [],
      requestedHost: server.requestedHost ?? null,
      zone: server.zone ?? null,
    });
    for (const change of server.waiting.splice(0)) emit(change);
  };

  const bury = (id: string, requestId: string | null): void => {
    const server = known.get(id);
    known.delete(id);
    gone.add(id);
    if (!server) return;
    introduce(server, true);
    if (server.created) emit({ type: 'server.deleted', requestId, id });
  };

  const lookAtServer = (said: ServerSaid): void => {
    if (gone.has(said.id)) return;
    const server = knownOf(said.id);
    learn(server, said);
    server.looks += 1;
    const built = server.state === 'BUILD' && said.state === 'ACTIVE';
    const doubt = `${said.host ?? ''} ${said.state ?? ''}`;
    const differs = said.host !== server.host || (said.state !== server.state && said.state !== 'BUILD');
    if (options.servers === 'looked up' || built || (differs && server.doubt === doubt)) move(server, said);
    server.doubt = differs ? doubt : '';
    introduce(server, options.servers === 'looked up' || server.looks > looksHeldMost);
  };

  /** Ids that were there before the look began, and are not in it. */
  const missing = (there: ReadonlyMap<string, number>, mark: number, seen: ReadonlySet<string>): string[] =>
    [...there].filter(([id, since]) => since <= mark && !seen.has(id)).map(([id]) => id);

  /** Tells of a port or a group, unless it has to be looked at first. */
  const appears = (
    there: Map<string, number>,
    thing: Pick<GroupSaid, 'id' | 'description' | 'requestId'>,
    say: (requestId: string | null, description: string) => void,
  ): void => {
    const { id, description } = thing;
    if (there.has(id) || gone.has(id) || readMarks(description).vnf === undefined) return;
    const requestId = thing.requestId ?? veiled.get(id)?.requestId ?? null;
    const appear = (plain: string): void => {
      veiled.delete(id);
      there.set(id, ++moment);
      say(requestId, plain);
    };
    if (!isMasked(description)) {
      appear(description);
      return;
    }
    const unveil = (): void => {
      appear(unmasked(description, requestId));
    };
    veiled.set(id, { requestId, unveil });
    options.wantsLook();
  };
  const vanishes = (there: Map<string, number>, id: string, say: () => void): void => {
    veiled.get(id)?.unveil();
    gone.add(id);
    if (there.delete(id)) say();
  };

  const toldPort: Sightings['toldPort'] = (port) => {
    const { id, name, network, address } = port;
    appears(ports, port, (requestId, description) => {
      emit({ type: 'port.created', requestId, id, name, project, network, description, address });
    });
  };
  const toldPortGone: Sightings['toldPortGone'] = (id, requestId) => {
    vanishes(ports, id, () => {
      emit({ type: 'port.deleted', requestId, id });
    });
  };
  const toldGroup: Sightings['toldGroup'] = (group) => {
    const { id, name } = group;
    appears(groups, group, (requestId, description) => {
      emit({ type: 'securityGroup.created', requestId, id, name, description, project });
    });
  };
  const toldGroupGone: Sightings['toldGroupGone'] = (id, requestId) => {
    vanishes(groups, id, () => {
      emit({ type: 'securityGroup.deleted', requestId, id });
    });
  };

  const toldServerGroup: Sightings['toldServerGroup'] = (group) => {
    appears(serverGroups, { ...group, description: group.name }, (requestId, name) => {
      emit({ type: 'serverGroup.created', requestId, id: group.id, name, project });
    });
  };
  const toldServerGroupGone: Sightings['toldServerGroupGone'] = (id, requestId) => {
    vanishes(serverGroups, id, () => {
      emit({ type: 'serverGroup.deleted', requestId, id });
    });
  };

  const tellHost = (host: HostSaid): void => {
    hosts.set(host.host, host);
    emit({ type: 'host', requestId: null, ...host, alive: !dead.has(host.host) && !host.forcedDown });
  };

  return {
    toldPort,
    toldPortGone,
    toldGroup,
    toldGroupGone,
    toldServerGroup,
    toldServerGroupGone,
    toldServer: (said, at) => {
      if (gone.has(said.id)) return;
      const server = knownOf(said.id);
      learn(server, said);
      if (at < server.toldAt) {
        introduce(server, false);
        return;
      }
      server.toldAt = at;
      server.doubt = '';
      if (said.gone === true) {
        bury(said.id, said.requestId ?? null);
        return;
      }
      move(server, said);
      introduce(server, false);
    },
    mark: () => moment,
    looked: ({ mark, ...look }, final) => {
      for (const host of look.hosts) if (JSON.stringify(host) !== JSON.stringify(hosts.get(host.host))) tellHost(host);
      const existing = new Map(
        [...known.values()].filter((each) => each.project === project).map((each) => [each.id, each.since]),
      );
      // What is gone comes first: of two things between the same two looks nobody knows which was first.
      for (const id of missing(existing, mark, idsOf(look.servers))) bury(id, null);
      for (const id of missing(ports, mark, idsOf(look.ports))) toldPortGone(id, null);
      for (const id of missing(groups, mark, idsOf(look.groups))) toldGroupGone(id, null);
      for (const id of missing(serverGroups, mark, idsOf(look.serverGroups))) toldServerGroupGone(id, null);
      look.groups.forEach(toldGroup);
      look.serverGroups.forEach(toldServerGroup);
      look.ports.forEach(toldPort);
      look.servers.forEach(lookAtServer);
      if (final) for (const server of known.values()) introduce(server, true);
    },
    setAlive: (name, alive) => {
      if (alive) dead.delete(name);
      else dead.add(name);
      const host = hosts.get(name);
      if (host) tellHost(host);
    },
  };
}

function idsOf(things: readonly { readonly id: string }[]): Set<string> {
  return new Set(things.map(({ id }) => id));
}
