import type { RunView } from '../../client';
import { tag } from '../../domain/names';
import { neutron, nova } from '../../openstack';
import { until, type Ended } from '../real/world';
import type { Stage, Trial } from './stage';
import type { Script } from './strikes';

/** A run that waits for a person. */
export interface Stuck {
  readonly id: string;
  readonly view: RunView & { readonly stuck: NonNullable<RunView['stuck']> };
  readonly ended: Promise<Ended>;
}

/** The run of it that is stuck, as soon as the cloud has said what is left. `run` is its caller's. */
export async function whenStuck(stage: Stage, trial: Trial, run: Promise<Ended>): Promise<Stuck> {
  let found: Omit<Stuck, 'ended'> | undefined;
  let looks = 0;
  await until(`a run of ${trial.vnf} is stuck`, 60, async () => {
    const [first] = (await stage.bulkhead.status(trial.vnf)).stuck;
    const view = first && (await stage.bulkhead.run(first.workflowId));
    if (!view?.stuck || isLooking(trial, view)) return false;
    // What the cloud has said is told a task later.
    looks += 1;
    if (looks < looksMin) return false;
    found = { id: first?.workflowId ?? '', view: { ...view, stuck: view.stuck } };
    return true;
  });
  if (!found) throw new Error('nothing is stuck');
  return { ...found, ended: run };
}

const looksMin = 5;

function isLooking(trial: Trial, { stuck: now }: RunView): boolean {
  return (
    now?.may.includes('skip') === true &&
    !trial.calls().some(({ name, answer }) => name === 'findLeft' && answer === 'ok')
  );
}

/** More members, of which the first wait fails for good; and so does every undo as long as `broken` says so. */
export function goingBack(trial: Trial, broken: () => boolean): Promise<Ended> {
  const script: Script = ({ key, name }) =>
    key === 'awaitHealthy#1' || (name === 'removeByToken' && broken()) ? 'fails' : undefined;
  return trial.run('scaleOut', { vnf: trial.vnf, pool: 'web', to: 6 }, script);
}

/** What an operator does by hand. */
export async function cleanByHand({ session, vnf }: Trial, token: string): Promise<void> {
  const servers = await nova.listServers(session, { tags: [tag.vnf(vnf), tag.token(token)] });
  for (const { id } of servers) await nova.deleteServer(session, id);
  await until('the servers are gone', 20, async () => {
    const left = await nova.listServers(session, { tags: [tag.vnf(vnf), tag.token(token)] });
    return left.length === 0;
  });
  for (const port of await neutron.listPorts(session, {}))
    if (port.description.includes(token)) await neutron.deletePort(session, port.id);
}
