import type { Note } from '../../../../checker/story';
import { neutron, nova, type Session } from '../../../../openstack';
import type { Feed } from '../cloud';
import { follow, type Follower } from './follow';
import { newHostNames, type HostNames } from './hosts';
import { newJournal, type Journal } from './journal';
import { lookAt } from './look';
import { readNotice, type Notice } from './notifications';
import type { Rights } from './rights';
import { newSightings, type ServerSaid, type Sightings } from './sightings';
import { pause } from './waiting';

/**
 * The event log of a cloud that has none. Where Nova and Neutron write down what they do, that is followed, and looking only fills
 * in; elsewhere they are looked at twice a second, and what begins and ends between two looks is never seen.
 *
 * What is noted and what is published enters the log after everything that was written down, and is to be seen, at the moment of
 * its arrival. So "deleted, then published" is never taken for "published, then deleted". Between services, order is that of their
 * clocks; between two looks it is unknown.
 */
export interface Watching extends Feed {
  readonly journal: Journal;
  readonly sightings: Sightings;
  /** Reads and looks once more, beginning now. */
  readonly catchUp: (options?: { final?: boolean }) => Promise<void>;
  readonly toldBy: { readonly nova: boolean; readonly neutron: boolean };
  readonly hosts: HostNames;
  readonly stop: () => Promise<void>;
}

export interface WatchingOptions {
  readonly rights: Rights;
  /** Where Nova and Neutron write down what they do. Null: nowhere. */
  readonly notifications: string | null;
  /** Begins the names of what is made to see whether they do. */
  readonly vnf: string;
}

const lookEveryMs = { told: 2_000, untold: 500 };
const readEveryMs = 100;
/** So often a look is tried that somebody waits for. */
const triesMost = 5;
const probeWithinMs = 8_000;

export async function watch(options: WatchingOptions): Promise<Watching> {
  const { rights } = options;
  const project = await rights.own.projectId();
  const hosts = newHostNames({ project, seen: rights.operator !== null });
  const follower = options.notifications === null ? null : follow(options.notifications);
  const toldBy = follower ? await probe(rights.own, follower, options.vnf) : { nova: false, neutron: false };
  const journal = newJournal();
  const sightings = newSightings({
    project,
    servers: toldBy.nova ? 'told' : 'looked up',
    emit: journal.append,
    wantsLook: () => {
      lookSoon();
    },
  });

  const readOn = (): void => {
    for (const notice of noticesIn(follower)) tell({ sightings, hosts }, notice);
  };

  const lookOnce = async (final: boolean): Promise<void> => {
    readOn();
    const look = await lookAt(rights, { mark: sightings.mark(), hosts });
    readOn();
    sightings.looked(look, final);
  };

  // One after another: a look that is asked for begins when it is asked for, and not before.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    return mine;
  };
  const catchUp: Watching['catchUp'] = ({ final = false } = {}) =>
    inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          await lookOnce(final);
          return;
        } catch (error) {
          if (attempt === triesMost) throw error;
          await pause(lookEveryMs.untold);
        }
      }
    });

  let soon = false;
  /** One for all who want one while it has not begun. A cloud that does not answer is looked at later. */
  const lookSoon = (): void => {
    if (soon) return;
    soon = true;
    void inTurn(async () => {
      soon = false;
      await lookOnce(false);
    }).catch(() => undefined);
  };

  await catchUp();
  const reading = setInterval(readOn, readEveryMs);
  const stopped = new AbortController();
  const looking = (async () => {
    const every = toldBy.nova && toldBy.neutron ? lookEveryMs.told : lookEveryMs.untold;
    while (!stopped.signal.aborted) {
      // A cloud that does not answer is not seen for a while. Whoever needs to see it waits, and says so.
      await inTurn(() => lookOnce(false)).catch(() => undefined);
      await pause(every);
    }
  })();

  return {
    journal,
    sightings,
    toldBy,
    hosts,
    catchUp,
    note: async (note: Note) => {
      await catchUp({ final: note.kind === 'settled' });
      journal.append({ type: 'note', requestId: null, note });
    },
    log: () => {
      readOn();
      return Promise.resolve(journal.events());
    },
    lastSeq: () => Promise.resolve(journal.events().length),
    stop: async () => {
      stopped.abort();
      clearInterval(reading);
      await looking;
    },
  };
}

function tell({ sightings, hosts }: { sightings: Sightings; hosts: HostNames }, notice: Notice): void {
  switch (notice.kind) {
    case 'server':
      sightings.toldServer(named(notice.said, hosts), notice.at);
      return;
    case 'ports':
      notice.ports.forEach(sightings.toldPort);
      return;
    case 'portGone':
      sightings.toldPortGone(notice.id, notice.requestId);
      return;
    case 'group':
      sightings.toldGroup(notice.group);
      return;
    case 'groupGone':
      sightings.toldGroupGone(notice.id, notice.requestId);
      return;
    case 'serverGroup':
      sightings.toldServerGroup(notice.group);
      return;
    case 'serverGroupGone':
      sightings.toldServerGroupGone(notice.id, notice.requestId);
      return;
  }
}

function named(said: ServerSaid, hosts: HostNames): ServerSaid {
  return { ...said, ...(typeof said.host === 'string' && { host: hosts.ofName(said.host) }) };
}

/** What several processes have written since the last time, in the order of their clocks. */
function noticesIn(follower: Follower | null): Notice[] {
  return (follower?.read() ?? [])
    .flatMap((line) => readNotice(line) ?? [])
    .sort((a, b) => a.at - b.at)
    .map(({ notice }) => notice);
}

/** Makes and deletes an empty group with each, and sees whether it is written down. */
async function probe(session: Session, follower: Follower, vnf: string): Promise<{ nova: boolean; neutron: boolean }> {
  const name = `${vnf}-probe-${String(process.pid)}`;
  const told = { nova: false, neutron: false };
  const serverGroup = await nova.createServerGroup(session, { name, maxServerPerHost: 1 }).catch(() => null);
  const group = await neutron.createSecurityGroup(session, { name, description: '' }).catch(() => null);
  try {
    const until = Date.now() + probeWithinMs;
    while (Date.now() < until && !(told.nova && told.neutron)) {
      for (const notice of noticesIn(follower)) {
        if (notice.kind === 'serverGroup' && notice.group.name === name) told.nova = true;
        if (notice.kind === 'group' && notice.group.name === name) told.neutron = true;
      }
      await pause(readEveryMs);
    }
  } finally {
    if (serverGroup) await nova.deleteServerGroup(session, serverGroup.id);
    if (group) await neutron.deleteSecurityGroup(session, group.id);
  }
  return told;
}
