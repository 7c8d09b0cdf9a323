import { summary } from '../../domain/markdown';
import type { CapacityResult } from '../../domain/procedures';
import type { VnfRecord } from '../../domain/record';
import { timingAt } from '../../domain/timing';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark } from '../progress';
import { marked } from './change';
import { refuseExisting, unborn } from './instantiate';

/**
 * What a VNF can be on the cloud as it is now, and how much of the cloud it may lose. `{"vnf": "ims1"}`, or of one that is yet to be
 * instantiated `{"vnf": "ims2", "descriptor": "clearwater"}`.
 *
 * It takes no turn and changes nothing: one look at the record, one at the cloud.
 */
export async function capacity(raw: unknown): Promise<CapacityResult> {
  const { vnf, descriptor } = parseInput('capacity', raw);
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const record = descriptor === undefined ? await recordPort().readRecord({ vnf }) : await yetToBe(vnf, descriptor);
    const found = await cloud(timingAt(1)).capacity.executeWithOptions({ summary: summary(`capacity of ${vnf}`) }, [
      { record },
    ]);
    mark({ phase: 'ended', outcome: 'completed' });
    return { outcome: 'completed', procedure: 'capacity', ...found };
  });
}

async function yetToBe(vnf: string, given: unknown): Promise<VnfRecord> {
  const descriptor = await recordPort().loadDescriptor({ descriptor: given });
  await refuseExisting(vnf);
  return unborn(vnf, descriptor);
}
