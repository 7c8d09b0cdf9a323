import { leftOf } from './person';
import { vnf, type Spec } from './specs';
import { isQuiet, type Procedure, type World } from './world';

/**
 * Its record was terminated by hand, and nobody knows its members any more: adopt makes another of what is there, an audit removes what the run
 * that was at work has left, and a terminate leaves nothing.
 */
export async function problemsWithoutRecord(world: World, spec: Spec): Promise<string[]> {
  const problems: string[] = [];
  const expectCompleted = async (procedure: Procedure, input: object): Promise<void> => {
    const ended = await world.run(procedure, { vnf, ...input });
    if (ended.outcome !== 'completed')
      problems.push(`${procedure} after its record was terminated: ${JSON.stringify(ended)}`);
  };
  const quiet = (): Promise<void> => world.until('nothing but records is at work', () => isQuiet(world));

  await quiet();
  // It befell a run that had no record yet, or has left nothing to adopt.
  if (world.viewOf(vnf) !== null || world.cloud.servers.size === 0) return problems;
  await expectCompleted('adopt', spec.procedure === 'adopt' ? spec.input(world) : { descriptor: spec.descriptor });
  if (problems.length > 0) return problems;
  await expectCompleted('audit', { repair: true });
  await expectCompleted('terminate', {});
  await quiet();
  return [...problems, ...leftOf(world, vnf)];
}
