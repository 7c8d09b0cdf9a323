import { Log } from './log';

/** G2 of those who come to serve, and who leave: how long they are held and drain, and whom an adopt finds. */

function said(log: Log, pace?: number): string[] {
  return log
    .violations(pace)
    .filter(({ part }) => part === 'G2')
    .map(({ message }) => message);
}

const three = ['v-c-1', 'v-c-2', 'v-c-3'];

function instantiated(): Log {
  const log = new Log();
  log.instantiate('v', { drainSeconds: 30, on: 'h1 h2 h3' });
  return log;
}

describe('a member that left service drains before it is deleted', () => {
  /** After so many seconds. */
  const deleted = (
    seconds: number,
    given: {
      readonly before?: (log: Log) => void;
      readonly after?: (log: Log) => void;
      readonly by?: string | null;
    } = {},
  ): Log => {
    const { before, after, by = 'req-t' } = given;
    const log = instantiated();
    log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 2 } });
    before?.(log);
    log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    after?.(log);
    log.pass(seconds);
    log.add({ type: 'server.deleted', id: 'v/c-3' }, by);
    return log;
  };
  const dies = (log: Log): void => {
    log.add({ type: 'server.state', id: 'v/c-3', state: 'ERROR', fault: null });
  };

  test('for as long as its pool says', () => {
    expect(said(deleted(29), 1)).toEqual(['v-c-3 was deleted 29.001 s after it left service, and drains for 30 s']);
    expect(said(deleted(30), 1)).toEqual([]);
  });

  test('at the pace of the workers, where that is known', () => {
    expect(said(deleted(0.2), 0.01)).toHaveLength(1);
    expect(said(deleted(0.3), 0.01)).toEqual([]);
    expect(said(deleted(0.2))).toEqual([]);
  });

  test('but not where it was dead, then or since, or is taken away by hand', () => {
    expect(said(deleted(1, { before: dies }), 1)).toEqual([]);
    expect(said(deleted(1, { after: dies }), 1)).toEqual([]);
    expect(said(deleted(1, { by: null }), 1)).toEqual([]);
  });

  test('nor from when it had left before it served again', () => {
    const again = (log: Log): void => {
      log.pass(60);
      log.publish('v', { c: three }, 1);
      log.publish('v', { c: ['v-c-1', 'v-c-2'] });
    };
    expect(said(deleted(1, { after: again }), 1)).toHaveLength(1);
    expect(said(deleted(30, { after: again }), 1)).toEqual([]);
  });

  test('by a clock that goes on: what is done again by one that has stood still is not looked at', () => {
    expect(said(deleted(-5), 1)).toEqual([]);
  });
});

describe('a member is ACTIVE for as long as its pool says before it serves', () => {
  /** So many seconds after it was, with a descriptor that says ten. */
  const entered = (seconds: number, given: { readonly before?: (log: Log) => void } = {}): Log => {
    const log = instantiated();
    log.note({ kind: 'request', id: 'out', procedure: 'scaleOut', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    given.before?.(log);
    log.launch('v', 'c-4', 'h4');
    log.pass(seconds);
    log.publish('v', { c: [...three, 'v-c-4'] });
    return log;
  };
  test('at the pace of the workers', () => {
    expect(said(entered(9), 1)).toEqual([
      'v-c-4 was put into service 9.001 s after it was ACTIVE, and 10 s are to pass',
    ]);
    expect(said(entered(10), 1)).toEqual([]);
    expect(said(entered(0.1), 0.01)).toEqual([]);
    expect(said(entered(0))).toEqual([]);
  });

  test('from when it was last', () => {
    const log = entered(10);
    log.launch('v', 'c-5', 'h4');
    log.pass(10);
    for (const state of ['SHUTOFF', 'ACTIVE'] as const)
      log.add({ type: 'server.state', id: 'v/c-5', state, fault: null });
    log.publish('v', { c: [...three, 'v-c-4', 'v-c-5'] });
    expect(said(log, 1)).toHaveLength(1);
  });

  test('but not where it is found by an adopt, or has served before', () => {
    const log = entered(10);
    log.launch('v', 'c-5', 'h1');
    log.note({ kind: 'recordLost', vnf: 'v' });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    log.publish('v', { c: [...three, 'v-c-4', 'v-c-5'] });
    log.publish('v', { c: [...three, 'v-c-4'] });
    for (const state of ['SHUTOFF', 'ACTIVE'] as const)
      log.add({ type: 'server.state', id: 'v/c-5', state, fault: null });
    log.publish('v', { c: [...three, 'v-c-4', 'v-c-5'] });
    expect(said(log, 1)).toEqual([]);
  });
});

describe('an adopt', () => {
  const adopted = (given: { readonly forced: 'before' | 'after' | 'never'; readonly also?: boolean }): string[] => {
    const log = instantiated();
    const down = (): void => {
      const state = { zone: 'mz', alive: true, up: false, enabled: false, forcedDown: true, disabledReason: null };
      log.add({ type: 'host', host: 'h3', ...state });
    };
    log.note({ kind: 'recordLost', vnf: 'v' });
    if (given.forced === 'before') down();
    if (given.also)
      log.note({
        kind: 'request',
        id: 'out',
        procedure: 'scaleOut',
        vnf: 'v',
        request: { vnf: 'v', pool: 'c', to: 4 },
      });
    log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
    if (given.forced === 'after') down();
    log.publish('v', { c: three });
    return said(log);
  };

  test('lets nobody serve whose host was forced down before', () => {
    expect(adopted({ forced: 'before' })).toEqual(['v-c-3 was adopted to serve on h3, which is forced down']);
    expect(adopted({ forced: 'never' })).toEqual([]);
  });

  test('is not told of one that is forced down since, nor is it known whose the publication is where others are at work', () => {
    expect(adopted({ forced: 'after' })).toEqual([]);
    expect(adopted({ forced: 'before', also: true })).toEqual([]);
  });
});

describe('a pool that lacks one that died before', () => {
  /** Of six one is dead, and four are to be left. */
  const shrunk = (
    left: readonly number[],
    given: { readonly dies?: 'before' | 'meanwhile'; readonly isAsked?: boolean } = {},
  ): string[] => {
    const { dies = 'before', isAsked = true } = given;
    const log = new Log();
    log.instantiate('v', { spare: 2, on: 'h1 h2 h3 h4 h1 h2' });
    const serve = (members: readonly number[]): void => {
      log.publish('v', { c: members.map((member) => `v-c-${String(member)}`) });
    };
    const die = (): void => {
      log.add({ type: 'server.state', id: 'v/c-6', state: 'ERROR', fault: null });
      serve([1, 2, 3, 4, 5]);
    };
    if (dies === 'before') die();
    if (isAsked)
      log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 4 } });
    if (dies === 'meanwhile') die();
    serve(left);
    return said(log);
  };

  test('is made smaller by it first', () => {
    expect(shrunk([1, 2, 3])).toEqual(['3 members of c are in service, and there must be 4']);
    expect(shrunk([1, 2, 3, 4])).toEqual([]);
  });

  test('lacks it still where it died since that was asked for, or nobody has asked', () => {
    expect(shrunk([1, 2, 3], { dies: 'meanwhile' })).toEqual([]);
    expect(shrunk([1, 2, 3, 4, 5], { isAsked: false })).toEqual([]);
  });
});
