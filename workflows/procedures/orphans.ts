import type { UnrecordedVnf } from '../../domain/orphans';
import type { OrphansResult } from '../../domain/procedures';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark, say } from '../progress';
import { marked } from './change';

/**
 * What the project has of VNFs that have no record, which no audit of a VNF can find: `{}`. It takes no turn and changes nothing. A Temporal
 * Schedule runs it where audits run by themselves.
 */
export async function orphans(raw: unknown): Promise<OrphansResult> {
  parseInput('orphans', raw ?? {});
  mark({ phase: 'asking' });
  return await marked(async () => {
    const unrecorded = await lookedFor();
    mark({ phase: 'ended', outcome: 'completed' });
    const said = unrecorded.map(({ vnf, counts }) => `${vnf} (${countsSaid(counts)})`);
    say(
      `orphans **completed**: ${said.length > 0 ? `without a record: ${said.join(', ')}` : 'every VNF has a record'}`,
    );
    return { outcome: 'completed', procedure: 'orphans', unrecorded };
  });
}

/**
 * Whose record is not there is looked at twice: a terminate that was just ending has nothing left by then, and an instantiate that has
 * just begun has a record before it makes anything.
 */
async function lookedFor(): Promise<readonly UnrecordedVnf[]> {
  const records = recordPort();
  const calls = cloud(await records.readTiming());
  const suspects = await records.withoutRecord({ vnfs: await calls.findVnfs() });
  if (suspects.length === 0) return [];
  const found = await calls.findOrphans({ vnfs: suspects });
  const still = await records.withoutRecord({ vnfs: found.map(({ vnf }) => vnf) });
  return found.filter(({ vnf }) => still.includes(vnf));
}

function countsSaid(counts: UnrecordedVnf['counts']): string {
  return Object.entries(counts)
    .filter(([, many]) => many > 0)
    .map(([kind, many]) => `${String(many)} ${kind}`)
    .join(', ');
}
