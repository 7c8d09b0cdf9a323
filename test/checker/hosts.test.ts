import { createHash } from 'node:crypto';
import { Log } from './log';

/** G6 of hosts: what evacuateHost and restoreHost say of a host when they end is so. */

interface State {
  readonly alive?: boolean;
  readonly up?: boolean;
  readonly enabled?: boolean;
  readonly forcedDown?: boolean;
}

function host(log: Log, name: string, state: State): void {
  const well = { alive: true, up: true, enabled: true, forcedDown: false, disabledReason: null };
  log.add({ type: 'host', host: name, zone: 'mz', ...well, ...state });
}

function ask(log: Log, procedure: 'evacuateHost' | 'restoreHost', input: object = {}, id: string = procedure): void {
  log.note({ kind: 'request', id, procedure, request: { hosts: ['h1'], ...input } });
}

function end(
  log: Log,
  id: string,
  outcome: 'completed' | 'unwound' | 'cancelled' | 'stuck' = 'completed',
  failure?: string,
): void {
  log.note({ kind: 'outcome', id, outcome, ...(failure !== undefined && { failure }) });
}

function messages(log: Log): string[] {
  return log
    .violations()
    .filter(({ part }) => part === 'G6')
    .map(({ message }) => message);
}

const maintenance = { cause: 'maintenance' };
const fenced = { cause: 'failed', fenced: true };
const closed = { enabled: false };
const down = { alive: false, up: false, enabled: false, forcedDown: true };
const others = ['v-c-2', 'v-c-3', 'v-c-4'];

function three(): Log {
  const log = new Log();
  log.instantiate('v', { on: 'h1 h2 h3' });
  return log;
}

/** Another takes the place of who is on h1. */
function replace(log: Log): void {
  log.launch('v', 'c-4', 'h4');
  log.publish('v', { c: ['v-c-1', ...others] }, 1);
  log.publish('v', { c: others });
}

describe('a host that was to be emptied', () => {
  const emptied = (input: object, state: State, meanwhile: (log: Log) => void): string[] => {
    const log = three();
    ask(log, 'evacuateHost', input);
    host(log, 'h1', state);
    meanwhile(log);
    end(log, 'evacuateHost');
    return messages(log);
  };
  const left = ['evacuateHost of h1 (maintenance) completed, and v-c-1 serves there'];

  test('is empty when that has completed', () => {
    expect(emptied(maintenance, closed, () => undefined)).toEqual(left);
    expect(emptied(maintenance, closed, replace)).toEqual([]);
  });

  test('also of a tenant, who knows it by another name', () => {
    const hostId = createHash('sha224').update('ph1').digest('hex');
    const asTenant = { ...maintenance, hosts: [hostId] };
    expect(emptied(asTenant, {}, () => undefined)).toEqual(left);
    expect(emptied(asTenant, {}, replace)).toEqual([]);
  });

  test('but for one of a tenant that was nowhere yet', () => {
    const log = three();
    log.build('v', 'c-5', null);
    ask(log, 'evacuateHost', maintenance);
    host(log, 'h1', closed);
    replace(log);
    log.add({ type: 'server.placed', id: 'v/c-5', host: 'h1' });
    log.add({ type: 'server.state', id: 'v/c-5', state: 'ACTIVE', fault: null });
    log.publish('v', { c: [...others, 'v-c-5'] });
    end(log, 'evacuateHost');
    expect(messages(log)).toEqual([]);
  });

  test('is empty where it is forced down; without that, who lives there has to leave no faster than a word goes', () => {
    expect(emptied(fenced, down, () => undefined)).toHaveLength(1);
    expect(emptied({ cause: 'failed' }, closed, () => undefined)).toEqual([]);
  });

  test('may have those who have come since it was asked for, by other hands too', () => {
    const moved = (log: Log): void => {
      replace(log);
      log.add({ type: 'server.placed', id: 'v/c-2', host: 'h1' });
    };
    expect(emptied(maintenance, closed, moved)).toEqual([]);
    const launched = (log: Log): void => {
      replace(log);
      log.launch('v', 'c-5', 'h1');
      log.publish('v', { c: [...others, 'v-c-5'] });
    };
    expect(emptied(maintenance, closed, launched)).toEqual([]);
  });

  test('may have one whom another run takes out of service, and no more once that is published', () => {
    const after = (service: readonly string[]): string[] => {
      const log = three();
      log.note({ kind: 'request', id: 'in', procedure: 'scaleIn', vnf: 'v', request: { vnf: 'v', pool: 'c', to: 2 } });
      ask(log, 'evacuateHost', maintenance);
      host(log, 'h1', closed);
      end(log, 'evacuateHost');
      expect(messages(log)).toEqual([]);
      log.publish('v', { c: ['v-c-1', 'v-c-2', 'v-c-3'] }, 1);
      log.publish('v', { c: [...service] });
      return messages(log);
    };
    expect(after(['v-c-2', 'v-c-3'])).toEqual([]);
    expect(after(['v-c-1', 'v-c-2'])).toEqual(left);
  });

  test('may have those of a VNF that ends, or has no record, as is said when it has completed or known before', () => {
    const ends = (log: Log): void => {
      log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
    };
    expect(emptied(maintenance, closed, ends)).toEqual([]);
    expect(
      emptied(maintenance, closed, (log) => {
        log.note({ kind: 'recordLost', vnf: 'v' });
      }),
    ).toEqual([]);
    const log = three();
    ask(log, 'evacuateHost', maintenance);
    host(log, 'h1', closed);
    log.note({ kind: 'outcome', id: 'evacuateHost', outcome: 'completed', left: ['v-c-1'] });
    expect(messages(log)).toEqual([]);
  });

  test('gets none of those who were there before to serve, until it is opened', () => {
    const entered = (meanwhile: (log: Log) => void): string[] => {
      const log = three();
      log.launch('v', 'c-5', 'h1');
      ask(log, 'evacuateHost', maintenance);
      host(log, 'h1', closed);
      replace(log);
      end(log, 'evacuateHost');
      meanwhile(log);
      log.publish('v', { c: [...others, 'v-c-5'] });
      return messages(log);
    };
    expect(entered(() => undefined)).toEqual(['v-c-5 was put into service on h1, which was said to be empty']);
    const opened = (log: Log): void => {
      host(log, 'h1', {});
    };
    expect(entered(opened)).toEqual([]);
    expect(
      entered((log) => {
        ask(log, 'restoreHost');
      }),
    ).toEqual([]);
  });
});

describe('a host', () => {
  const after = (
    procedure: 'evacuateHost' | 'restoreHost',
    given: {
      readonly input?: object;
      readonly before?: State;
      readonly outcome?: 'completed' | 'unwound' | 'cancelled' | 'stuck';
      readonly meanwhile?: (log: Log) => void;
      readonly after?: State;
    },
  ): string[] => {
    const log = new Log();
    if (given.before) host(log, 'h1', given.before);
    ask(log, procedure, given.input);
    given.meanwhile?.(log);
    if (given.after) host(log, 'h1', given.after);
    end(log, procedure, given.outcome, given.outcome === 'stuck' ? 'Stuck' : undefined);
    return messages(log);
  };
  const another = (log: Log): void => {
    ask(log, 'restoreHost', {}, 'another');
    end(log, 'another');
  };

  test('is closed when it was emptied', () => {
    const input = maintenance;
    expect(after('evacuateHost', { input })).toEqual(['evacuateHost of h1 completed, and it is open']);
    expect(after('evacuateHost', { input: fenced, after: { forcedDown: true, up: false } })).toHaveLength(1);
    expect(after('evacuateHost', { input, after: closed })).toEqual([]);
    expect(after('evacuateHost', { input: { ...input, dryRun: true } })).toEqual([]);
    // Opened by another, which was asked for meanwhile.
    expect(after('evacuateHost', { input, meanwhile: another })).toEqual([]);
    // A tenant can close none, and asks for none when it launches.
    expect(
      after('evacuateHost', {
        input,
        meanwhile: (log) => {
          log.launch('v', 'c-9', 'h4', { requestedHost: null });
        },
      }),
    ).toEqual([]);
  });

  test('is as it was when that went back, but where Nova has evacuated from it, or who asked for that is to look after it', () => {
    const shut = { input: maintenance, after: closed } as const;
    expect(after('evacuateHost', { ...shut, outcome: 'cancelled' })).toEqual([
      'evacuateHost of h1 went back, and has left it closed',
    ]);
    expect(after('evacuateHost', { ...shut, outcome: 'cancelled', before: closed })).toEqual([]);
    expect(after('evacuateHost', { ...shut, outcome: 'cancelled', meanwhile: another })).toEqual([]);
    expect(after('evacuateHost', { ...shut, outcome: 'stuck' })).toEqual([]);
    const reset = (log: Log): void => {
      log.note({ kind: 'reset', id: 'evacuateHost' });
    };
    expect(after('evacuateHost', { ...shut, outcome: 'cancelled', meanwhile: reset })).toEqual([]);
    const forced = { input: fenced, outcome: 'unwound', after: down } as const;
    expect(after('evacuateHost', forced)).toEqual(['evacuateHost of h1 went back, and has left it forced down']);
    expect(after('evacuateHost', { ...forced, before: down })).toEqual([]);
    const evacuated = (log: Log): void => {
      log.launch('v', 'c-1', 'h1');
      log.add({ type: 'server.state', id: 'v/c-1', state: 'REBUILD', fault: null });
      log.add({ type: 'server.placed', id: 'v/c-1', host: 'h2' });
    };
    expect(after('evacuateHost', { ...forced, meanwhile: evacuated })).toEqual([]);
    // A dead host stays closed.
    expect(after('evacuateHost', { ...forced, after: { ...down, forcedDown: false } })).toEqual([]);
  });

  test('is open, and up, when it was restored', () => {
    expect(after('restoreHost', { before: closed })).toEqual(['restoreHost of h1 completed, and it is not open']);
    expect(after('restoreHost', { before: down, after: { forcedDown: true } })).toHaveLength(1);
    expect(after('restoreHost', { before: down, after: { up: false } })).toEqual([
      'restoreHost of h1 completed, and it is not up',
    ]);
    expect(after('restoreHost', { before: down, after: {} })).toEqual([]);
    // It was up, and is not any more; or nothing was to be done.
    const wasUp = (log: Log): void => {
      host(log, 'h1', closed);
    };
    expect(after('restoreHost', { before: down, meanwhile: wasUp, after: { up: false } })).toEqual([]);
    expect(after('restoreHost', { before: { up: false }, after: { up: false } })).toEqual([]);
    expect(after('restoreHost', { before: down, meanwhile: another, after: { up: false } })).toEqual([]);
  });
});
