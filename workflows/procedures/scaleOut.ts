import { parseInput } from '../input';
import { scale, type ScaleTable } from './scale';
import { committed } from '../steps/commit';
import { launched } from '../steps/launch';
import { planned } from '../steps/plan';
import { published, settled } from '../steps/settle';
import type { ProcedureResult, DryRunResult } from '../../domain/procedures';

/**
 * More members of one pool. `{"vnf": "ims1", "pool": "sprout", "to": 9}`
 *
 * A higher level can have a lower cap for nobody, but a pool that others have moved may need moves as well: then the
 * plan has members that leave, and they are paid like those of scaleIn.
 */
export const scaleOutTable: ScaleTable = {
  back: [planned, launched],
  pivot: committed,
  forward: [published, settled],
};

export async function scaleOut(raw: unknown): Promise<ProcedureResult | DryRunResult> {
  return await scale('scaleOut', parseInput('scaleOut', raw), scaleOutTable);
}
