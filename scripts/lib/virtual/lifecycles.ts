import type { Note } from '../../../checker/story';
import type { CloudEvent } from '../../../simulator';

/**
 * How many VNFs were brought up, so that somebody served, and were taken away by a terminate that completed: whole lifecycles. One that
 * was refused at its start is none.
 */
export function lifecyclesIn(log: readonly CloudEvent[]): number {
  const served = new Set<string>();
  const terminates = new Map<string, string>();
  let many = 0;
  for (const event of log) {
    if (event.type === 'published' && Object.values(event.service).flat().length > 0) served.add(event.vnf);
    if (event.type !== 'note') continue;
    const note = event.note as Note;
    if (note.kind === 'request' && note.procedure === 'terminate') terminates.set(note.id, note.vnf ?? '');
    if (note.kind !== 'outcome' || note.outcome !== 'completed') continue;
    if (served.delete(terminates.get(note.id) ?? '')) many += 1;
  }
  return many;
}
