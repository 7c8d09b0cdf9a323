import type { Note } from '../../checker/story';
import { Log } from './log';

/** G8 of those who never had their turn. */

type Asked = Extract<Note, { kind: 'request' }>;

function refused(
  failure: 'Busy' | 'UnknownVnf',
  given: {
    readonly procedure?: Asked['procedure'];
    readonly input?: object;
    readonly afterSeconds?: number;
    readonly before?: (log: Log) => void;
    readonly meanwhile?: (log: Log) => void;
  } = {},
): string[] {
  const { procedure = 'heal', input, afterSeconds = 0, before, meanwhile } = given;
  const log = new Log();
  log.instantiate('v', { on: 'h1 h2 h3' });
  before?.(log);
  log.note({ kind: 'request', id: 'ask', procedure, vnf: 'v', request: { vnf: 'v', ...input } });
  meanwhile?.(log);
  log.pass(afterSeconds);
  log.note({ kind: 'outcome', id: 'ask', outcome: 'refused', failure });
  return log
    .violations()
    .filter(({ part }) => part === 'G8')
    .map(({ message }) => message);
}

const loses = (log: Log): void => {
  log.note({ kind: 'recordLost', vnf: 'v' });
};

describe('Busy', () => {
  test('is whoever has waited for as long as he said, or an hour', () => {
    expect(refused('Busy', { afterSeconds: 3_000 })).toEqual([
      'heal was refused as Busy, after 3000.001 s, and waits for 3600 s',
    ]);
    expect(refused('Busy', { afterSeconds: 3_600 })).toEqual([]);
    const input = { waitSeconds: 60 };
    expect(refused('Busy', { input, afterSeconds: 50 })).toHaveLength(1);
    expect(refused('Busy', { input, afterSeconds: 60 })).toEqual([]);
  });

  test('is at once who wants no more, who was reset, or an adopt', () => {
    expect(refused('Busy', { input: { ifBusy: 'refuse' } })).toEqual([]);
    expect(refused('Busy', { procedure: 'adopt' })).toEqual([]);
    const reset = (log: Log): void => {
      log.note({ kind: 'reset', id: 'ask' });
    };
    expect(refused('Busy', { meanwhile: reset })).toEqual([]);
  });
});

describe('UnknownVnf', () => {
  test('is none that is there', () => {
    expect(refused('UnknownVnf')).toEqual(['heal was refused as UnknownVnf, and it is there']);
  });

  test('is one that has lost its record, or is about to end, or was not there when it was asked for', () => {
    expect(refused('UnknownVnf', { before: loses })).toEqual([]);
    expect(refused('UnknownVnf', { meanwhile: loses })).toEqual([]);
    const adopted = (log: Log): void => {
      log.note({ kind: 'request', id: 'again', procedure: 'adopt', vnf: 'v', request: { vnf: 'v' } });
      log.note({ kind: 'outcome', id: 'again', outcome: 'completed' });
    };
    expect(refused('UnknownVnf', { before: loses, meanwhile: adopted })).toEqual([]);
    const foundAgain = (log: Log): void => {
      loses(log);
      adopted(log);
    };
    expect(refused('UnknownVnf', { before: foundAgain })).toHaveLength(1);
    const ends = (log: Log): void => {
      log.note({ kind: 'request', id: 'end', procedure: 'terminate', vnf: 'v', request: { vnf: 'v' } });
    };
    expect(refused('UnknownVnf', { meanwhile: ends })).toEqual([]);
  });

  test('is one whose record was lost just before what had made it ended', () => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    log.events.splice(log.events.length - 1);
    loses(log);
    log.note({ kind: 'outcome', id: 'make v', outcome: 'completed' });
    log.note({ kind: 'request', id: 'ask', procedure: 'heal', vnf: 'v', request: { vnf: 'v' } });
    log.note({ kind: 'outcome', id: 'ask', outcome: 'refused', failure: 'UnknownVnf' });
    expect(log.broken()).toEqual([]);
  });

  test('is one that never came up', () => {
    const log = new Log();
    log.instantiate('v', { on: 'h1 h2' });
    log.events.splice(log.events.length - 1);
    log.note({ kind: 'outcome', id: 'make v', outcome: 'vanished' });
    log.note({ kind: 'request', id: 'ask', procedure: 'heal', vnf: 'v', request: { vnf: 'v' } });
    log.note({ kind: 'outcome', id: 'ask', outcome: 'refused', failure: 'UnknownVnf' });
    expect(log.broken()).toEqual([]);
  });
});
