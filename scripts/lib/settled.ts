import { BulkheadError, TemporalUnavailableError, type Bulkhead } from '../../client';
import { recordWorkflowId } from '../../domain/names';
import type { RecordView } from '../../domain/turn';

/** What a record says of itself once it is free and owes nothing; null where there is none (any more). */
export async function settledView(bulkhead: Bulkhead, vnf: string, withinSeconds: number): Promise<RecordView | null> {
  let view: RecordView | null = null;
  await until(`${recordWorkflowId(vnf)} is free`, withinSeconds, async () => {
    try {
      view = await bulkhead.status(vnf);
      return isSettled(view);
    } catch (error) {
      // A busy machine lets a query run out of its time; it is asked again.
      if (error instanceof TemporalUnavailableError) return false;
      if (!(error instanceof BulkheadError) || error.kind !== 'UnknownVnf') throw error;
      view = null;
      return true;
    }
  });
  return view;
}

/** Free, and owing nothing: only then what it lists is all that there is. */
export function isSettled(view: RecordView): boolean {
  return view.turn === null && view.debts.length === 0 && !view.cleaning && !view.publishing && view.queue.length === 0;
}

export async function until(what: string, withinSeconds: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${String(withinSeconds)} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
