import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { As } from '../../../activities';
import { BulkheadError, type Bulkhead } from '../../../client';
import type { Note } from '../../../checker/story';
import { readDescriptor } from '../../lib/descriptors';
import type { CloudUnderTest, Fate } from '../../lib/cloud/cloud';
import { settledNote } from '../../lib/observer';
import { settledView, until } from '../../lib/settled';

/** The acts of the demo, in order: what an operator does in a year, in two minutes. */

export interface Scene {
  readonly vnf: string;
  readonly bulkhead: Bulkhead;
  readonly temporal: Client;
  readonly cloud: CloudUnderTest;
  /** A record must be free again within this. */
  readonly settleWithinSeconds: number;
}

export type Outcome = 'completed' | 'unwound' | 'refused' | 'stuck' | 'cancelled';

export interface ActResult {
  readonly outcome: Outcome;
  /** What happened, in a sentence for people. */
  readonly said: string;
}

export interface Act {
  readonly name: string;
  /** What the audience is told before. */
  readonly title: string | ((cloud: CloudUnderTest) => string);
  /** How it must end, or the demo fails. */
  readonly expected: Outcome | Readonly<Record<As, Outcome>>;
  /** Why it cannot be played there; null where it can. */
  readonly unplayable?: (fate: Fate) => string | null;
  readonly play: (scene: Scene) => Promise<ActResult>;
}

export const acts: readonly Act[] = [
  {
    name: 'instantiate',
    title: 'Project Clearwater comes up: six pools in the order of their dependencies',
    expected: 'completed',
    play: (scene) => procedure(scene, 'instantiate', { vnf: scene.vnf, descriptor: 'clearwater' }),
  },
  {
    name: 'scaleOut',
    title: 'Load rises: sprout grows by three',
    expected: 'completed',
    play: async (scene) => scaleBy(scene, 'scaleOut', 3),
  },
  {
    name: 'scaleIn',
    title: 'Load falls: sprout shrinks by three, in an order that keeps the share',
    expected: 'completed',
    play: async (scene) => scaleBy(scene, 'scaleIn', -3),
  },
  {
    name: 'heal',
    title: 'One sprout dies: it leaves service at once and is replaced',
    expected: 'completed',
    play: async (scene) => {
      const view = await scene.bulkhead.status(scene.vnf);
      const member = view.pools['sprout']?.inService[0];
      if (!member) throw new Error('there is no sprout to lose');
      const said = await scene.cloud.fate.killServer(member.serverId);
      return preceded(said, await procedure(scene, 'heal', { vnf: scene.vnf }));
    },
  },
  {
    name: 'evacuateFailed',
    title: 'A host dies: its members of every pool are restored elsewhere',
    expected: 'completed',
    play: async (scene) => {
      const host = await fullestHost(scene);
      const name = await scene.cloud.hostNamed(host);
      const said = await scene.cloud.fate.killHost(name);
      const result = await procedure(scene, 'evacuateHost', { hosts: [host], cause: 'failed' });
      return preceded([`${name} died.`, said].filter((part) => part !== '').join(' '), result);
    },
  },
  {
    name: 'evacuateMaintenance',
    title: ({ as }) =>
      `A host is to be worked on: it is emptied, replacements first${as === 'operator' ? ', and opened again afterwards' : ''}`,
    expected: 'completed',
    play: async (scene) => {
      const host = await fullestHost(scene);
      const name = await scene.cloud.hostNamed(host);
      await scene.cloud.fate.willClose(name);
      const result = await procedure(scene, 'evacuateHost', { hosts: [host], cause: 'maintenance' });
      if (scene.cloud.as === 'tenant')
        return preceded(`${name} is empty and open to scheduling, which no tenant can close.`, result);
      const restored = await procedure(scene, 'restoreHost', { hosts: [host] });
      const failed = [result, restored].find(({ outcome }) => outcome !== 'completed');
      return failed ?? preceded(`${name} was empty and closed to scheduling, and is open again.`, result);
    },
  },
  {
    name: 'quotaRefused',
    title: 'A request that the quota does not carry is refused before anything is created',
    expected: 'refused',
    unplayable: ({ withQuotaForOneMore }) =>
      withQuotaForOneMore ? null : 'only an operator sets quotas, and --operator names none',
    play: (scene) => {
      const { withQuotaForOneMore } = scene.cloud.fate;
      if (!withQuotaForOneMore) throw new Error('nobody here may set a quota');
      return withQuotaForOneMore(() => scaleBy(scene, 'scaleOut', 3));
    },
  },
  {
    name: 'roomRefused',
    title: ({ as }) =>
      as === 'operator'
        ? 'A request that no hosts can carry is refused, with a reason for every host'
        : 'A request that no hosts can carry: a tenant is not told of room until it is tried, so it is tried and goes back',
    expected: { operator: 'refused', tenant: 'unwound' },
    play: async (scene) => {
      const view = await scene.bulkhead.status(scene.vnf);
      const bono = view.descriptor.pools.find((pool) => pool.name === 'bono');
      return await procedure(scene, 'scaleOut', { vnf: scene.vnf, pool: 'bono', to: bono?.size.max ?? 0 });
    },
  },
  {
    name: 'misplacedUnwound',
    title: ({ fate }) => `${fate.spoiling}: the scale-out goes back to where it was`,
    expected: 'unwound',
    play: ({ vnf, ...scene }) =>
      scene.cloud.fate.withEveryTrySpoilt({ vnf, pool: 'sprout' }, () => scaleBy({ vnf, ...scene }, 'scaleOut', 3)),
  },
  {
    name: 'terminatedCleaned',
    title: 'Somebody terminates a run by hand in the middle: what it left is cleaned up',
    expected: 'unwound',
    play: terminatedInTheMiddle,
  },
  {
    name: 'terminate',
    title: 'The VNF goes away, drained in reverse order, and leaves an empty cloud',
    expected: 'completed',
    play: (scene) => procedure(scene, 'terminate', { vnf: scene.vnf }),
  },
];

type RequestNote = Extract<Note, { kind: 'request' }>;
type ProcedureName = RequestNote['procedure'];

/** Notes the request, runs it as an NFVO would, notes how it ended, and waits until the record has settled. */
async function procedure(scene: Scene, name: ProcedureName, input: Record<string, unknown>): Promise<ActResult> {
  const id = randomUUID();
  const { vnf, bulkhead } = scene;
  const { feed } = scene.cloud;
  await feed.note({
    kind: 'request',
    id,
    procedure: name,
    ...(name !== 'evacuateHost' && name !== 'restoreHost' && { vnf }),
    request: await inFull(scene, name, input),
  });
  const result = await outcomeOf(() => (bulkhead[name] as (input: unknown) => Promise<unknown>)(input));
  await feed.note({
    kind: 'outcome',
    id,
    outcome: result.outcome,
    ...(result.failure !== undefined && { failure: result.failure }),
  });
  await settle(scene);
  return result;
}

/** What was done to the cloud stands before what came of it. */
function preceded(done: string, result: ActResult): ActResult {
  return { ...result, said: [done, result.said].filter((part) => part !== '').join(' ') };
}

/** The checker is to know the descriptor, not its name, and hosts as the cloud's log calls them. */
async function inFull(
  { cloud }: Scene,
  name: ProcedureName,
  input: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  if (name === 'evacuateHost')
    return { ...input, hosts: await Promise.all((input['hosts'] as string[]).map(cloud.hostNamed)) };
  if (name !== 'instantiate') return input;
  return { ...input, descriptor: readDescriptor(String(input['descriptor'])) };
}

async function outcomeOf(body: () => Promise<unknown>): Promise<ActResult & { failure?: string }> {
  try {
    const result = (await body()) as {
      launched?: unknown[];
      removed?: unknown[];
      vnfs?: { launched: unknown[]; removed: unknown[] }[];
    };
    const parts = result.vnfs ?? [{ launched: result.launched ?? [], removed: result.removed ?? [] }];
    const launched = parts.reduce((sum, part) => sum + part.launched.length, 0);
    const removed = parts.reduce((sum, part) => sum + part.removed.length, 0);
    return { outcome: 'completed', said: `${String(launched)} launched, ${String(removed)} removed.` };
  } catch (error) {
    if (!(error instanceof BulkheadError)) throw error;
    return { outcome: error.outcome as Outcome, said: `${error.kind}: ${error.message}`, failure: error.kind };
  }
}

async function scaleBy(scene: Scene, name: 'scaleOut' | 'scaleIn', by: number): Promise<ActResult> {
  const view = await scene.bulkhead.status(scene.vnf);
  const to = (view.pools['sprout']?.level ?? 0) + by;
  return await procedure(scene, name, { vnf: scene.vnf, pool: 'sprout', to });
}

async function fullestHost(scene: Scene): Promise<string> {
  const view = await scene.bulkhead.status(scene.vnf);
  const counts = new Map<string, number>();
  for (const pool of Object.values(view.pools))
    for (const { host } of pool.inService) counts.set(host, (counts.get(host) ?? 0) + 1);
  const [first] = [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  if (!first) throw new Error('there is no host with members');
  return first[0];
}

async function terminatedInTheMiddle(scene: Scene): Promise<ActResult> {
  const { vnf, temporal } = scene;
  const { feed } = scene.cloud;
  const view = await scene.bulkhead.status(vnf);
  const to = (view.pools['sprout']?.level ?? 0) + 3;
  const id = randomUUID();
  await feed.note({ kind: 'request', id, procedure: 'scaleOut', vnf, request: { vnf, pool: 'sprout', to } });
  const after = await feed.lastSeq();
  const handle = await temporal.workflow.start('scaleOut', {
    taskQueue: 'bulkhead',
    workflowId: `demo-${id}`,
    args: [{ vnf, pool: 'sprout', to }],
  });
  await until('the run has launched something', 30, async () =>
    (await feed.log()).some((event) => event.seq > after && event.type === 'server.created'),
  );
  await handle.terminate('by hand, to see what happens');
  await feed.note({ kind: 'outcome', id, outcome: 'vanished' });
  await settle(scene);
  const now = await scene.bulkhead.status(vnf);
  const unchanged = now.pools['sprout']?.level === view.pools['sprout']?.level;
  return {
    outcome: unchanged ? 'unwound' : 'stuck',
    said: 'The record noticed, removed what the run had launched, and is free again.',
  };
}

/** Waits until the record is free and owes nothing, or is gone, and notes what it says of itself then. */
export async function settle({
  vnf,
  cloud,
  bulkhead,
  settleWithinSeconds,
}: Pick<Scene, 'vnf' | 'cloud' | 'bulkhead' | 'settleWithinSeconds'>): Promise<void> {
  await cloud.feed.note(settledNote(vnf, await settledView(bulkhead, vnf, settleWithinSeconds)));
}
