import { createHash } from 'node:crypto';
import type { Part } from '../../checker';
import { tag } from '../../domain/names';
import { Log } from './log';

/** Small worlds, written event by event: what is lawful is not called a violation, and what is not is. */

test('G1d: a dead member does not count on its host once its record knows of it', () => {
  const log = new Log();
  log.instantiate('v', { spare: 2, on: 'h1 h2 h3 h1 h2 h3' });
  log.note({ kind: 'request', id: 'heal', procedure: 'heal', vnf: 'v', request: { vnf: 'v' } });
  for (const id of ['v/c-1', 'v/c-2']) log.add({ type: 'server.state', id, state: 'ERROR', fault: null });
  log.publish('v', { c: ['v-c-3', 'v-c-4', 'v-c-5', 'v-c-6'] });
  // Two may be on a host: c-4, and the one that replaces c-1.
  log.launch('v', 'c-7', 'h1');
  log.launch('v', 'c-8', 'h4');
  log.publish('v', { c: ['v-c-3', 'v-c-4', 'v-c-5', 'v-c-6', 'v-c-7', 'v-c-8'] });
  for (const id of ['v/c-2', 'v/c-1']) log.add({ type: 'server.deleted', id });
  log.publish('v', { c: ['v-c-3', 'v-c-4', 'v-c-5', 'v-c-6', 'v-c-7', 'v-c-8'] });
  expect(log.broken()).toEqual([]);
});

test('G1d: nor does it count among those that raise the cap for others', () => {
  const log = new Log();
  log.instantiate('v', { spare: '1/3', on: 'h1 h2 h3 h1 h2 h3' });
  log.note({ kind: 'request', id: 'grow', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 9 } });
  log.add({ type: 'server.state', id: 'v/c-1', state: 'ERROR', fault: null });
  log.publish('v', { c: ['v-c-2', 'v-c-3', 'v-c-4', 'v-c-5', 'v-c-6'] });
  // With c-1 this would be the ninth of nine, and the third on h2; without it, h2 has three of eight.
  log.launch('v', 'c-7', 'h4');
  log.launch('v', 'c-8', 'h4');
  log.launch('v', 'c-9', 'h2');
  log.launch('v', 'c-10', 'h1');
  log.publish('v', { c: ['v-c-2', 'v-c-3', 'v-c-4', 'v-c-5', 'v-c-6', 'v-c-7', 'v-c-8', 'v-c-9', 'v-c-10'] });
  expect(log.broken()).toContain('G1d');
});

describe('G1d: deletions in an order that breaks the letter, where another one would not', () => {
  // Two of five and of four may be on a host, and one of three: c-4 and c-5 had to go before c-3.
  const shrunk = (before: (log: Log) => void, by: string | null = null): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3 h1 h2' });
    log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 2 } });
    before(log);
    for (const id of ['v/c-3', 'v/c-4', 'v/c-5']) log.add({ type: 'server.deleted', id }, by);
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    return log.broken();
  };

  test('are a violation', () => {
    expect(shrunk(() => undefined)).toContain('G1d');
  });

  test('are none where one had died that its record did not know of: without it no order would have done', () => {
    expect(
      shrunk((log) => {
        log.add({ type: 'server.state', id: 'v/c-3', state: 'ERROR', fault: null });
      }),
    ).not.toContain('G1d');
  });

  test('are none where one was evacuated before, and its record has not let it in again', () => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3 h1 h2' });
    log.add({ type: 'server.state', id: 'v/c-3', state: 'REBUILD', fault: null });
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-4', 'v-c-5'] });
    log.add({ type: 'server.placed', id: 'v/c-3', host: 'h4' });
    log.add({ type: 'server.state', id: 'v/c-3', state: 'ACTIVE', fault: null });
    const members = [1, 2, 3, 4, 5].map((ordinal) => ({
      ...{ pool: 'c', ordinal, serverId: `v/c-${String(ordinal)}`, portIds: [], host: `h${String(ordinal)}` },
      inService: ordinal !== 3,
    }));
    const free = { exists: true, revision: 2, levels: { c: 5 }, securityGroups: [], serverGroups: [] };
    log.note({ kind: 'settled', vnf: 'v', ...free, members });
    log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: [] });
    for (const id of ['v/c-3', 'v/c-4', 'v/c-5', 'v/c-1', 'v/c-2']) log.add({ type: 'server.deleted', id });
    log.note({ kind: 'outcome', id: 'end', outcome: 'completed' });
    log.note({ kind: 'settled', vnf: 'v', ...free, exists: false, members: [] });
    expect(log.broken()).not.toContain('G1d');
  });

  test('are none where a person takes away those that he says, and are one where a run does', () => {
    const harmed = (log: Log): void => {
      for (const serverId of ['v/c-3', 'v/c-4', 'v/c-5']) log.note({ kind: 'harmed', vnf: 'v', serverId });
    };
    expect(shrunk(harmed)).not.toContain('G1d');
    expect(shrunk(harmed, 'req-in')).toContain('G1d');
  });

  test('are none where a terminate takes along what another run has left, and are one where anybody else does', () => {
    const ended = (procedure: 'terminate' | 'audit'): Part[] => {
      const log = new Log();
      log.instantiate('v', { spare: '1/2', on: 'h1 h2' });
      log.note({
        kind: 'request',
        id: 'out',
        procedure: 'scaleOut',
        vnf: 'v',
        request: { vnf: 'v', pool: 'c', to: 5 },
      });
      for (const [member, host] of [
        ['c-3', 'h3'],
        ['c-4', 'h1'],
        ['c-5', 'h2'],
      ] as const)
        log.launch('v', member, host, { by: 'req-t' });
      log.note({ kind: 'outcome', id: 'out', outcome: 'vanished' });
      log.note({ kind: 'request', id: 'end', procedure, vnf: 'v', request: { vnf: 'v' } });
      for (const id of ['v/c-3', 'v/c-4', 'v/c-5']) log.add({ type: 'server.deleted', id }, 'req-end');
      log.publish('v', { c: ['v-c-1', 'v-c-2'] });
      return log.broken();
    };
    expect(ended('terminate')).not.toContain('G1d');
    expect(ended('audit')).toContain('G1d');
  });
});

test('G1d: a death is no excuse for what was done before it', () => {
  const grown = (dies: 'before' | 'after'): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2' });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    const die = (): void => {
      log.add({ type: 'server.state', id: 'v/c-1', state: 'ERROR', fault: null });
    };
    // One of three may be on a host, and two of four: c-4 had to come before c-3.
    if (dies === 'before') die();
    log.launch('v', 'c-3', 'h1');
    if (dies === 'after') die();
    log.launch('v', 'c-4', 'h3');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3', 'v-c-4'] });
    return log.broken();
  };
  expect(grown('before')).not.toContain('G1d');
  expect(grown('after')).toContain('G1d');
});

test('G1d: who had begun before a death was known had planned without it', () => {
  const grown = (begins: (log: Log) => void): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/3', on: 'h1 h2 h3 h1 h2 h3' });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 9 } });
    begins(log);
    log.add({ type: 'server.state', id: 'v/c-1', state: 'ERROR', fault: null });
    log.publish('v', { c: ['v-c-2', 'v-c-3', 'v-c-4', 'v-c-5', 'v-c-6'] });
    // With c-1 the last is the third on h2 of nine, and without it of eight.
    for (const [member, host] of Object.entries({ 'c-7': 'h4', 'c-8': 'h4', 'c-9': 'h2', 'c-10': 'h1' }))
      log.launch('v', member, host, { by: 'req-t' });
    log.publish('v', { c: ['v-c-2', 'v-c-3', 'v-c-4', 'v-c-5', 'v-c-6', 'v-c-7', 'v-c-8', 'v-c-9', 'v-c-10'] });
    return log.broken();
  };
  const port = { id: 'p', name: 'v-c-7.mgmt', project: 'p', network: 'mgmt', address: '10.0.0.7' };
  expect(grown(() => undefined)).toContain('G1d');
  expect(
    grown((log) => {
      log.add({ type: 'port.created', ...port, description: tag.vnf('v') }, 'req-t');
    }),
  ).not.toContain('G1d');
});

describe('G1d: launches that count on one that its record has dropped', () => {
  const grown = (forcedDown: boolean): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3' });
    const evacuate = { hosts: ['h3'], cause: 'failed' };
    log.note({ kind: 'request', id: 'evacuate', procedure: 'evacuateHost', request: evacuate });
    const state = { zone: 'mz', alive: true, up: !forcedDown, enabled: true, forcedDown, disabledReason: null };
    log.add({ type: 'host', host: 'h3', ...state });
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    // Two of four may be on a host, and one of three: without c-3 the other order would do.
    log.launch('v', 'c-4', 'h1');
    log.launch('v', 'c-5', 'h4');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-4', 'v-c-5'] });
    return log.broken();
  };

  test('are a violation while its host is down by force', () => {
    expect(grown(true)).toContain('G1d');
  });

  test('are none while the cloud shows it running on a host that is up', () => {
    expect(grown(false)).not.toContain('G1d');
  });
});

describe('G7: what is made when another turn has begun to make things', () => {
  const made = (before: (log: Log) => void): Part[] => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2 h3' });
    const port = (id: string, token: string): void => {
      const description = [tag.vnf('v'), tag.token(token)].join(' ');
      const more = { project: 'p', network: 'mgmt', address: '10.0.0.7', description };
      log.add({ type: 'port.created', id, name: `v-c-${id}.mgmt`, ...more }, `req-${token}`);
    };
    port('4', 'first');
    port('5', 'second');
    before(log);
    port('6', 'first');
    return log.broken();
  };

  test('is a violation', () => {
    expect(made(() => undefined)).toContain('G7');
  });

  test('is none where its call had stayed inside of the cloud, as an observer saw', () => {
    expect(
      made((log) => {
        log.note({ kind: 'late', requestId: 'req-first' });
      }),
    ).not.toContain('G7');
    expect(
      made((log) => {
        log.note({ kind: 'late', requestId: 'req-second' });
      }),
    ).toContain('G7');
  });
});

test('G1c: who was launched on a host after its evacuation is not dead by the word of then', () => {
  const log = new Log();
  log.instantiate('v', { spare: 2, on: 'h1 h2 h3 h1' });
  const request = { hosts: ['h4'], cause: 'failed' };
  log.note({ kind: 'request', id: 'evacuate', procedure: 'evacuateHost', request });
  log.note({ kind: 'outcome', id: 'evacuate', outcome: 'completed' });
  for (const member of ['c-5', 'c-6', 'c-7']) log.launch('v', member, 'h4');
  expect(log.broken()).toContain('G1c');
});

describe('a member and its double, which a create that got no answer has made after all', () => {
  function doubled(): Log {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    log.note({ kind: 'request', id: 'grow', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 3 } });
    log.launch('v', 'c-3', 'h3');
    log.launch('v', 'c-3', 'h3', { id: 'double' });
    return log;
  }

  test.each(['double', 'v/c-3'])('G1c, G1d: are one member, whichever of them goes (%s)', (id) => {
    const log = doubled();
    log.add({ type: 'server.deleted', id });
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] });
    expect(log.broken()).toEqual([]);
  });

  test.each(['double', 'v/c-3'])('G1c: the one that stays counts (%s goes)', (id) => {
    const log = doubled();
    log.add({ type: 'server.deleted', id });
    log.launch('v', 'c-4', 'h3');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] });
    expect(log.broken()).toContain('G1c');
  });
});

test('of two VNFs whose members have the same name each is judged by its own', () => {
  const log = new Log();
  log.instantiate('a', { pool: 'b-c', on: 'h1 h2' });
  log.instantiate('a-b', { on: 'h3 h4' });
  expect(log.broken()).toEqual([]);
  log.add({ type: 'server.deleted', id: 'a-b/c-1' });
  expect(log.broken()).toContain('G2');
});

describe('G5: a refusal that made a security group', () => {
  const refused = (reset: 'never' | 'before' | 'after'): Part[] => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    log.note({ kind: 'request', id: 'grow', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 3 } });
    if (reset === 'before') log.note({ kind: 'reset', id: 'grow' });
    log.add({ type: 'securityGroup.created', id: 'g', name: 'v-c', description: 'bulkhead:vnf=v', project: 'p' });
    if (reset === 'after') log.note({ kind: 'reset', id: 'grow' });
    log.note({ kind: 'outcome', id: 'grow', outcome: 'refused', failure: 'Impossible' });
    return log.broken();
  };

  test('made something', () => {
    expect(refused('never')).toContain('G5');
  });

  test.each(['before', 'after'] as const)(
    'may have made nothing where its run was reset %s that: the run before it did',
    (reset) => {
      expect(refused(reset)).not.toContain('G5');
    },
  );

  test('made nothing where the run of another was reset, and what it had begun came late', () => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    const asked = {
      kind: 'request',
      procedure: 'scaleOut',
      vnf: 'v',
      request: { vnf: 'v', pool: 'c', to: 3 },
    } as const;
    log.note({ ...asked, id: 'first' });
    log.note({ kind: 'reset', id: 'first' });
    log.note({ kind: 'outcome', id: 'first', outcome: 'stuck', failure: 'TurnLost' });
    log.note({ ...asked, id: 'second' });
    log.add({ type: 'securityGroup.created', id: 'g', name: 'v-c', description: 'bulkhead:vnf=v', project: 'p' });
    log.note({ kind: 'outcome', id: 'second', outcome: 'refused', failure: 'Impossible' });
    expect(log.broken()).not.toContain('G5');
  });
});

test.each([
  ['cores', 4, []],
  ['instances', 2, []],
  ['instances', 9, ['G8']],
] as const)('G8: a refusal for quota where %s are %i', (resource, limit, parts) => {
  const log = new Log();
  log.instantiate('v', { on: 'h1 h2' });
  log.add({ type: 'quota', project: 'p', resource: 'instances', limit: 9 });
  log.add({ type: 'quota', project: 'p', resource, limit });
  log.note({ kind: 'request', id: 'grow', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 3 } });
  log.note({ kind: 'outcome', id: 'grow', outcome: 'refused', failure: 'QuotaExceeded' });
  expect(log.broken()).toEqual(parts);
});

describe('where no host is asked for', () => {
  /** Two members that serve, a request for a third, and what became of it. */
  function grown(end: { outcome: 'unwound' | 'refused'; failure: string }, meanwhile: (log: Log) => void): Part[] {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    log.note({ kind: 'request', id: 'grow', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 3 } });
    meanwhile(log);
    log.note({ kind: 'outcome', id: 'grow', ...end });
    return log.broken();
  }
  const unwound = { outcome: 'unwound', failure: 'MemberFailed' } as const;

  test('G8: a run that goes back had something in its way, if only that one was put where there is a share already', () => {
    expect(
      grown(unwound, (log) => {
        log.launchAnywhere('v', 'c-3', 'h3');
      }),
    ).toEqual(['G8']);
    expect(
      grown(unwound, (log) => {
        log.launchAnywhere('v', 'c-3', 'h1');
      }),
    ).toEqual([]);
  });

  test('G8: or that somebody took it away', () => {
    expect(
      grown(unwound, (log) => {
        log.launchAnywhere('v', 'c-3', 'h3');
        log.note({ kind: 'harmed', vnf: 'v', serverId: 'v/c-3' });
      }),
    ).toEqual([]);
  });

  test('G8: a quota may be short that the log does not tell of, that of server groups', () => {
    const refused = { outcome: 'refused', failure: 'QuotaExceeded' } as const;
    const limited = (log: Log): void => {
      log.add({ type: 'quota', project: 'p', resource: 'instances', limit: 9 });
    };
    expect(grown(refused, limited)).toEqual(['G8']);
    const name = ['v-c-apart-1', tag.vnf('v')].join(' ');
    const grouped = (log: Log): void => {
      limited(log);
      log.add({ type: 'serverGroup.created', id: 'g', name, project: 'p' });
    };
    expect(grown(refused, grouped)).toEqual([]);
  });
});

describe('G8: a run that goes back, and no server of its is in its way', () => {
  function wentBack(
    asked: { procedure: 'scaleOut' | 'restoreHost'; request: object },
    failure: string,
    before: (log: Log) => void = () => undefined,
    { serial = false } = {},
  ): Part[] {
    const log = new Log({ sized: true });
    log.instantiate('v', { serial, on: 'h1 h2' });
    const vnf = asked.procedure === 'scaleOut' ? { vnf: 'v' } : {};
    log.note({ kind: 'request', id: 'asked', ...vnf, ...asked });
    before(log);
    log.note({ kind: 'outcome', id: 'asked', outcome: 'unwound', failure });
    return log.broken();
  }
  const grow = (to: number) => ({ procedure: 'scaleOut' as const, request: { vnf: 'v', pool: 'c', to } });
  const restore = { procedure: 'restoreHost' as const, request: { hosts: ['h1'] } };

  test('an observer may have seen what was', () => {
    expect(wentBack(grow(3), 'CloudUnavailable')).toEqual(['G8']);
    for (const vnf of ['v', undefined])
      expect(
        wentBack(grow(3), 'CloudUnavailable', (log) => {
          log.note({ kind: 'hindered', ...(vnf !== undefined && { vnf }) });
        }),
      ).toEqual([]);
    expect(
      wentBack(grow(3), 'CloudUnavailable', (log) => {
        log.note({ kind: 'hindered', vnf: 'w' });
      }),
    ).toEqual(['G8']);
  });

  test('or it was the end of its record, or that others have ended its VNF', () => {
    expect(
      wentBack(grow(3), 'UnknownVnf', (log) => {
        log.note({ kind: 'recordLost', vnf: 'v' });
      }),
    ).toEqual([]);
    expect(
      wentBack(grow(3), 'UnknownVnf', (log) => {
        log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
      }),
    ).toEqual([]);
  });

  test('or the host that it had chosen had died, of which it did not know', () => {
    expect(
      wentBack(grow(3), 'MemberFailed', (log) => {
        const state = { zone: 'mz', up: true, enabled: true, forcedDown: false, disabledReason: null };
        log.add({ type: 'host', host: 'h4', alive: false, ...state });
        log.build('v', 'c-3', 'h4');
        log.add({ type: 'server.deleted', id: 'v/c-3' });
      }),
    ).toEqual([]);
  });

  test('or what asked for no host was put nowhere', () => {
    const grown = (...deleted: string[]): Part[] =>
      wentBack(grow(3), 'MemberFailed', (log) => {
        log.build('v', 'c-3', null);
        for (const id of deleted) log.add({ type: 'server.deleted', id });
      });
    expect(grown('v/c-3')).toEqual([]);
    expect(grown()).toEqual(['G8']);
  });

  test('or its host was not up', () => {
    expect(wentBack(restore, 'CloudUnavailable')).toEqual(['G8']);
    expect(
      wentBack(restore, 'CloudUnavailable', (log) => {
        const state = { zone: 'mz', alive: true, up: false, enabled: false, forcedDown: true, disabledReason: null };
        log.add({ type: 'host', host: 'h1', ...state });
      }),
    ).toEqual([]);
  });

  test('or it was refused in a turn that is not its first, and there was no room', () => {
    const inTurns = (to: number): Part[] => wentBack(grow(to), 'Impossible', undefined, { serial: true });
    expect(inTurns(4)).toEqual(['G8']);
    expect(inTurns(5)).toEqual([]);
    expect(wentBack(grow(5), 'Impossible')).toEqual(['G8']);
  });
});

describe('a member that other hands have moved', () => {
  const inZone = ['v-c-1', 'v-c-2', 'v-c-3', 'v-c-4'];

  function moved(given: ConstructorParameters<typeof Log>[0] = {}): Log {
    const log = new Log(given);
    log.instantiate('v', { on: 'h1 h2 h3 h4' });
    log.add({ type: 'server.placed', id: 'v/c-2', host: 'h1' });
    log.publish('v', { c: inZone });
    return log;
  }

  function rebalanced(log: Log, said: { short?: string[] } = {}): void {
    log.note({ kind: 'outcome', id: 'mend', outcome: 'completed', ...said });
    log.publish('v', { c: inZone });
  }

  test('breaks nothing of ours before a rebalance', () => {
    expect(moved().broken()).toEqual([]);
  });

  test('does once a rebalance has completed that began after it, and left it there', () => {
    const log = moved();
    log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
    rebalanced(log);
    expect(log.broken()).toContain('G1a');
  });

  test('and not where that was reset, and what its first run has committed is to be published yet', () => {
    const log = moved();
    log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
    log.note({ kind: 'reset', id: 'mend' });
    rebalanced(log);
    expect(log.broken()).toEqual([]);
  });

  test('and not where the rebalance said that there is no place for it', () => {
    const left = (log: Log, meanwhile: (log: Log) => void = () => undefined): Part[] => {
      log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
      meanwhile(log);
      rebalanced(log, { short: ['c'] });
      return log.broken();
    };
    const closed = { zone: 'mz', alive: true, up: true, enabled: false, forcedDown: false, disabledReason: null };
    const full = moved({ sized: true });
    full.add({ type: 'host', host: 'h2', ...closed });
    expect(left(full)).toEqual([]);
    // G8: it has gone from h2, where there is room.
    expect(left(moved({ sized: true }))).toEqual(['G8']);
    // Another is moved while it is at work: from where it was there was no place.
    const again = (log: Log): void => {
      log.add({ type: 'server.placed', id: 'v/c-3', host: 'h2' });
    };
    expect(left(moved({ sized: true }), again)).toEqual([]);
  });

  test('may leave no room for more, of which nothing is said', () => {
    const refused = (log: Log): Part[] => {
      log.note({
        kind: 'request',
        id: 'grow',
        procedure: 'scaleOut',
        vnf: 'v',
        request: { vnf: 'v', pool: 'c', to: 4 },
      });
      log.note({ kind: 'outcome', id: 'grow', outcome: 'refused', failure: 'Impossible' });
      return log.broken();
    };
    const three = (): Log => {
      const log = new Log({ sized: true });
      log.instantiate('v', { on: 'h1 h2 h3' });
      return log;
    };
    expect(refused(three())).toEqual(['G8']);
    const log = three();
    log.add({ type: 'server.placed', id: 'v/c-2', host: 'h1' });
    expect(refused(log)).toEqual([]);
  });

  test('and not where it is dead to its record, which is for a heal', () => {
    const log = new Log();
    const elsewhere = { zone: 'dmz', up: true, enabled: true, forcedDown: false, disabledReason: null };
    log.add({ type: 'host', host: 'h5', alive: true, ...elsewhere });
    log.instantiate('v', { on: 'h1 h2 h3 h4' });
    log.add({ type: 'server.placed', id: 'v/c-2', host: 'h5' });
    log.add({ type: 'host', host: 'h5', alive: false, ...elsewhere });
    log.publish('v', { c: ['v-c-1', 'v-c-3', 'v-c-4'] });
    log.add({ type: 'host', host: 'h5', alive: true, ...elsewhere });
    log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
    log.note({ kind: 'outcome', id: 'mend', outcome: 'completed' });
    const members = [1, 2, 3, 4].map((ordinal) => ({
      ...{ pool: 'c', ordinal, serverId: `v/c-${String(ordinal)}`, portIds: [], host: `h${String(ordinal)}` },
      inService: ordinal !== 2,
    }));
    const free = { exists: true, revision: 2, levels: { c: 4 }, securityGroups: [], serverGroups: [] };
    log.note({ kind: 'settled', vnf: 'v', ...free, members });
    expect(log.broken()).toEqual([]);
  });

  test('and not where it was moved after the rebalance had begun', () => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2 h3 h4' });
    log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
    log.add({ type: 'server.placed', id: 'v/c-2', host: 'h1' });
    rebalanced(log);
    expect(log.broken()).toEqual([]);
  });

  test('G1d: is counted where its record has it too', () => {
    const ended = (members: readonly number[], before: (log: Log) => void = () => undefined): Part[] => {
      const log = new Log();
      log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3 h4' });
      log.add({ type: 'server.placed', id: 'v/c-2', host: 'h1' });
      before(log);
      log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
      for (const member of members) log.add({ type: 'server.deleted', id: `v/c-${String(member)}` });
      log.publish('v', {});
      return log.broken();
    };
    // Two of four may be on h1, and one of three: one of those had to go first. The record has one on each host.
    expect(ended([3, 4, 1, 2])).not.toContain('G1d');
    const rebalanced = (log: Log): void => {
      log.note({ kind: 'request', id: 'mend', procedure: 'rebalance', vnf: 'v', request: { vnf: 'v' } });
      log.note({ kind: 'outcome', id: 'mend', outcome: 'completed' });
    };
    expect(ended([3, 4, 1, 2], rebalanced)).toContain('G1d');
  });

  test('a new one beside it is none of those', () => {
    const log = moved();
    log.launch('v', 'c-5', 'h1');
    expect(log.broken()).toContain('G1c');
  });
});

test('an adopted one goes on from how many there are: with what a run of its former record had launched more may be on a host', () => {
  const adopted = (...launched: string[]): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3' });
    for (const member of launched) log.launch('v', member, 'h4');
    log.note({ kind: 'recordLost', vnf: 'v' });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: ['c-1', 'c-2', 'c-3', ...launched].map((member) => `v-${member}`) });
    log.note({ kind: 'outcome', id: 'again', outcome: 'completed' });
    // One of three, and two of four.
    for (const member of ['c-7', 'c-8']) log.launch('v', member, 'h1');
    return log.broken();
  };
  expect(adopted('c-4')).toEqual([]);
  expect(adopted()).toContain('G1c');
});

test('G1d: who was on no host when an adopt took it for dead counts where it has come to be; who was on one does not', () => {
  const healed = (comesTo: string | null): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2' });
    log.build('v', 'c-3', 'h3');
    log.launch('v', 'c-4', 'h1');
    log.add({ type: 'server.state', id: 'v/c-4', state: 'ERROR', fault: null });
    log.note({ kind: 'recordLost', vnf: 'v' });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    log.note({ kind: 'outcome', id: 'again', outcome: 'completed', dead: ['v-c-3', 'v-c-4'] });
    if (comesTo !== null) log.add({ type: 'server.placed', id: 'v/c-3', host: comesTo });
    for (const id of ['v/c-3', 'v/c-4']) log.add({ type: 'server.state', id, state: 'ACTIVE', fault: null });
    log.note({ kind: 'request', id: 'heal', procedure: 'heal', vnf: 'v', request: { vnf: 'v' } });
    // Two of four may be on h1, and one of three; with both of the dead it would be three of five, where two may be.
    log.launch('v', 'c-5', 'h1');
    log.launch('v', 'c-6', 'h4');
    log.launch('v', 'c-7', 'h2');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-5', 'v-c-6', 'v-c-7'] });
    return log.broken();
  };
  expect(healed('h3')).not.toContain('G1d');
  expect(healed(null)).toContain('G1d');
});

test('G1a: of which level a pool is nobody can tell where one that was never published is dead', () => {
  const healed = (isLeft: boolean): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2' });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    log.launch('v', 'c-3', 'h3');
    log.launch('v', 'c-4', 'h1');
    for (const id of ['v/c-2', 'v/c-3']) log.add({ type: 'server.state', id, state: 'ERROR', fault: null });
    log.publish('v', { c: ['v-c-1', 'v-c-4'] });
    log.note({ kind: 'outcome', id: 'out', outcome: 'completed' });
    log.add({ type: 'server.deleted', id: 'v/c-2' });
    if (!isLeft) log.add({ type: 'server.deleted', id: 'v/c-3' });
    // Of four two may be on h1, and of two one.
    log.publish('v', { c: ['v-c-1', 'v-c-4'] });
    return log.broken();
  };
  expect(healed(true)).not.toContain('G1a');
  expect(healed(false)).toContain('G1a');
});

test('G1a: a dead one that is gone, and not made up for, may count in the level of its pool still', () => {
  const grown = (dead: readonly string[]): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/3', serial: true, on: 'h1 h2 h3' });
    const serving = ['v-c-1', 'v-c-2', 'v-c-3'].filter((member) => !dead.includes(member));
    for (const member of dead)
      log.add({ type: 'server.state', id: member.replace('v-c', 'v/c'), state: 'ERROR', fault: null });
    log.note({ kind: 'recordLost', vnf: 'v' });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: [...serving] });
    log.note({ kind: 'outcome', id: 'again', outcome: 'completed', dead: [...dead] });
    // What its former record had asked for.
    for (const member of dead) log.add({ type: 'server.deleted', id: member.replace('v-c', 'v/c') });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 7 } });
    // Whoever was there before has a host that its record has found it on.
    for (const [member, host] of dead.length > 0
      ? [
          ['c-4', 'h4'],
          ['c-5', 'h3'],
          ['c-6', 'h4'],
        ]
      : [
          ['c-4', 'h4'],
          ['c-5', 'h4'],
        ]) {
      log.launch('v', String(member), String(host));
      serving.push(`v-${String(member)}`);
      log.publish('v', { c: [...serving] });
    }
    return log.broken();
  };
  // Two of six may be on h4, and one of five.
  expect(grown(['v-c-3'])).not.toContain('G1a');
  expect(grown([])).toContain('G1a');
});

test('G1d: whom a commit has taken out counts, though it had died: its record need not know', () => {
  const ended = (stages: readonly (1 | 2)[]): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h3 h1 h4' });
    log.add({ type: 'server.state', id: 'v/c-5', state: 'ERROR', fault: null });
    log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    const c = ['v-c-1', 'v-c-2', 'v-c-3', 'v-c-4'];
    for (const stage of stages) {
      const service = { c: stage === 1 ? [...c, 'v-c-5'] : c };
      log.add({ type: 'published', vnf: 'v', revision: 2, stage, service });
    }
    log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
    log.add({ type: 'published', vnf: 'v', revision: 3, stage: 2, service: {} });
    // Two of four may be on h1, and one of three: with c-5 c-2 may go first, and without it c-1 or c-4 has to.
    for (const member of ['c-3', 'c-1', 'c-2', 'c-4'])
      log.add({ type: 'server.deleted', id: `v/${member}` }, 'req-end');
    log.add({ type: 'server.deleted', id: 'v/c-5' }, 'req-in');
    return log.broken();
  };
  expect(ended([1, 2])).not.toContain('G1d');
  expect(ended([2])).toContain('G1d');
});

test('G2: of an adopted one those are missed that were dead when its record was lost, though others had been launched in their place', () => {
  const shrunk = (left: string[]): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: '1/2', on: 'h1 h2 h4 h1' });
    log.add({ type: 'server.state', id: 'v/c-3', state: 'ERROR', fault: null });
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-4'] });
    log.launch('v', 'c-5', 'h2');
    log.note({ kind: 'recordLost', vnf: 'v' });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-4', 'v-c-5'] });
    log.note({ kind: 'outcome', id: 'again', outcome: 'completed', dead: ['v-c-3'] });
    // One of three may be on a host: that two serve needs nobody to be launched.
    log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 3 } });
    log.publish('v', { c: left });
    return log.broken();
  };
  expect(shrunk(['v-c-1', 'v-c-2'])).toEqual([]);
  expect(shrunk(['v-c-1'])).toContain('G2');
});

test('G2: one that Nova has evacuated was dead before, though that is published when it runs again', () => {
  const log = new Log();
  log.instantiate('v', { on: 'h1 h2 h3' });
  log.note({
    ...{ kind: 'request', id: 'empty', procedure: 'evacuateHost' },
    request: { hosts: ['h3'], cause: 'failed', fenced: true },
  });
  const state = { zone: 'mz', up: false, enabled: false, forcedDown: true, disabledReason: null };
  log.add({ type: 'host', host: 'h3', alive: false, ...state });
  log.add({ type: 'server.state', id: 'v/c-3', state: 'REBUILD', fault: null });
  log.add({ type: 'server.placed', id: 'v/c-3', host: 'h4' });
  log.add({ type: 'server.state', id: 'v/c-3', state: 'ACTIVE', fault: null });
  log.publish('v', { c: ['v-c-1', 'v-c-2'] });
  log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] });
  log.note({ kind: 'outcome', id: 'empty', outcome: 'completed' });
  expect(log.broken()).toEqual([]);
  log.publish('v', { c: ['v-c-1', 'v-c-2'] });
  expect(log.broken()).toContain('G2');
});

test('G2: who is on a host that a tenant says has failed is dead on that word, whatever has come of the host', () => {
  const emptied = (hosts: readonly string[]): Part[] => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2 h3' });
    log.note({
      ...{ kind: 'request', id: 'empty', procedure: 'evacuateHost' },
      request: { hosts, cause: 'failed', fenced: true },
    });
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    return log.broken();
  };
  const hostId = createHash('sha224').update('ph3').digest('hex');
  expect(emptied([hostId])).toEqual([]);
  expect(emptied([hostId.replace(/^./, 'x')])).toContain('G2');
  expect(emptied([createHash('sha224').update('ph4').digest('hex')])).toContain('G2');
});

test('G2: the word that a host has failed holds until its run has ended, also for who comes there meanwhile', () => {
  const emptied = (isOver: boolean): Part[] => {
    const log = new Log();
    log.instantiate('v', { spare: 2, on: 'h1 h2 h3' });
    log.note({
      ...{ kind: 'request', id: 'empty', procedure: 'evacuateHost' },
      request: { hosts: ['h4'], cause: 'failed', fenced: true },
    });
    if (isOver) log.note({ kind: 'outcome', id: 'empty', outcome: 'completed' });
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    log.launch('v', 'c-4', 'h4');
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3', 'v-c-4'] });
    log.note({ kind: 'outcome', id: 'out', outcome: 'completed' });
    const free = { exists: true, revision: 3, levels: { c: 4 }, securityGroups: [], serverGroups: [] };
    log.note({ kind: 'settled', vnf: 'v', ...free, members: [] });
    log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] });
    return log.broken();
  };
  expect(emptied(false)).not.toContain('G2');
  expect(emptied(true)).toContain('G2');
});

test('G2: who is on a host that is forced down is dead to a heal, though the host is alive', () => {
  const healed = (forcedDown: boolean): Part[] => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2 h3' });
    const state = { zone: 'mz', alive: true, up: !forcedDown, enabled: false, disabledReason: null };
    log.add({ type: 'host', host: 'h3', forcedDown, ...state });
    log.note({ kind: 'request', id: 'mend', procedure: 'heal', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    return log.broken();
  };
  expect(healed(true)).toEqual([]);
  expect(healed(false)).toContain('G2');
});
