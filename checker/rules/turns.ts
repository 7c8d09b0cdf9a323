import type { CloudEvent } from '../../simulator/events';
import { readMarks, readTags } from '../../domain/names';
import type { Scribe } from '../verdict';
import { noteOf } from '../world';

/**
 * G7: one run at a time. Each turn has a token, and all that it makes bears it: when another token has made something, an
 * earlier one makes nothing again. Deletions of an earlier token are debts, which do not hold the turn. What a call makes that had
 * stayed inside of the cloud was asked for earlier, and nobody can take it back: it is the next audit's (G4).
 */

/** So long after it has been taken up a call may take to have its effect. */
const effectMs = 1_000;

export interface TurnsMemory {
  readonly last: Map<string, string>;
  readonly over: Map<string, Set<string>>;
  /** When a call that bears this id was last taken up late. */
  readonly late: Map<string, number>;
}

export function newTurnsMemory(): TurnsMemory {
  return { last: new Map(), over: new Map(), late: new Map() };
}

export function judgeTurns(event: CloudEvent, given: { memory: TurnsMemory; scribe: Scribe }): void {
  const { memory, scribe } = given;
  const note = noteOf(event);
  if (note?.kind === 'late') memory.late.set(note.requestId, event.at);
  if (note?.kind === 'settled') {
    scribe.looked('G7');
    return;
  }
  if (event.type !== 'server.created' && event.type !== 'port.created') return;
  const { vnf, token } = event.type === 'server.created' ? readTags(event.tags) : readMarks(event.description);
  if (vnf === undefined || token === undefined) return;
  scribe.looked('G7');
  const sent = event.requestId?.replace(/^req-/, '');
  if (sent !== undefined && sent !== token)
    scribe.broken('G7', {
      vnf,
      message: `${event.name} bears the token ${token} and was made by a call of turn ${sent}`,
    });
  const late = event.requestId === null ? undefined : memory.late.get(event.requestId);
  if (late !== undefined && event.at <= late + effectMs) return;
  const over = memory.over.get(vnf) ?? new Set<string>();
  memory.over.set(vnf, over);
  const last = memory.last.get(vnf);
  if (last !== undefined && last !== token) over.add(last);
  memory.last.set(vnf, token);
  if (over.has(token))
    scribe.broken('G7', {
      vnf,
      message: `${event.name} was made by turn ${token} after another turn had begun to make things`,
    });
}
