import { parseInput } from '../input';
import { scale, type ScaleTable } from './scale';
import { committed } from '../steps/commit';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published, settled } from '../steps/settle';
import type { ProcedureResult, DryRunResult } from '../../domain/procedures';

/**
 * Fewer members of one pool. `{"vnf": "ims1", "pool": "sprout", "to": 6}`, or with `"members": ["ims1-sprout-7"]` who is to leave.
 *
 * A lower level has a lower cap, so a scale-in can break the share with no VM moved: what must move is launched
 * elsewhere first, and is in service before what it replaces leaves. The turn is yielded before the drain: calls that
 * are up may take minutes to end, and nobody waits for them.
 */
export const scaleInTable: ScaleTable = {
  back: [planned, launched],
  pivot: committed,
  forward: [published, settled],
};

export async function scaleIn(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  return await scale('scaleIn', parseInput('scaleIn', raw), scaleInTable);
}
