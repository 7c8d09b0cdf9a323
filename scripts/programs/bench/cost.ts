import { Client, Connection } from '@temporalio/client';
import { randomUUID } from 'node:crypto';
import { startStack, type Stack } from '../../lib/stack';
import { connectBulkhead, type Bulkhead } from '../../../client';
import { recordWorkflowId } from '../../../domain/names';
import { settle } from '../demo/acts';

/**
 * `./scripts/bench cost`: what a scaleOut costs in history events and in calls to OpenStack, against the budgets.
 * Counts, not times: they are the same on a noisy machine.
 */

export interface Cost {
  readonly vms: number;
  /** Of all runs and the record together, from before the request until it has settled. */
  readonly historyEvents: number;
  /** Keystone's tokens and all waiting included. */
  readonly cloudCalls: number;
}

/** The budgets of one scaleOut of one pool: one layer of dependent pools. */
export function budgetOf(vms: number): { historyEvents: number; cloudCalls: number } {
  return { historyEvents: 60 + 15 + 2 * vms, cloudCalls: Math.floor(40 + 2.5 * vms) };
}

/** One pool that can grow to 1,000 more, on hosts enough for it. */
const descriptor = {
  name: 'bench',
  description: 'One pool, for counting what its growth costs.',
  networks: { mgmt: { network: 'mgmt' } },
  pools: [
    {
      name: 'worker',
      role: 'load-balanced worker',
      zone: 'mz',
      size: { min: 3, initial: 10, max: 1_010 },
      spare: '34%',
      flavor: 'clearwater.small',
      image: 'cirros',
      networks: ['mgmt'],
      securityRules: [{ protocol: 'tcp', ports: [22, 22], from: 'any' }],
      dependsOn: [],
      healthyAfterSeconds: 1,
      drainSeconds: 1,
    },
  ],
};

export async function measureCost(sizes: readonly number[], say: (line: string) => void): Promise<Cost[]> {
  const stack = await startStack({
    pace: 1,
    // Virtual boots of 0.5 to 10 s.
    bootSeconds: '0.5-10',
    hosts: 'mz=200,dmz=1',
  });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const bulkhead = await connectBulkhead({ address: stack.temporal.address });
  try {
    for (const resource of ['instances', 'cores', 'ram', 'ports'])
      await stack.observer.setQuota({ resource, limit: 10_000_000 });
    const costs: Cost[] = [];
    for (const vms of sizes) {
      say(`scaleOut by ${String(vms)} …`);
      costs.push(await measureOne({ stack, client: new Client({ connection }), bulkhead }, vms));
    }
    return costs;
  } finally {
    await bulkhead.close();
    await connection.close();
    await stack.stop();
  }
}

async function measureOne(at: { stack: Stack; client: Client; bulkhead: Bulkhead }, vms: number): Promise<Cost> {
  const { stack, client, bulkhead } = at;
  const vnf = `bench${String(vms)}`;
  const scene = { vnf, bulkhead, cloud: stack.cloud, settleWithinSeconds: 90 };
  await bulkhead.instantiate({ vnf, descriptor });
  await settle(scene);
  const eventsBefore = await eventsOf(client, recordWorkflowId(vnf));
  const callsBefore = await callsOf(stack);
  const workflowId = `cost-${randomUUID()}`;
  await bulkhead.scaleOut({ vnf, pool: 'worker', to: 10 + vms }, { workflowId });
  await settle(scene);
  const cloudCalls = (await callsOf(stack)) - callsBefore;
  const historyEvents =
    (await eventsOf(client, recordWorkflowId(vnf))) - eventsBefore + (await eventsOf(client, workflowId));
  await bulkhead.terminate({ vnf });
  await settle(scene);
  return { vms, historyEvents, cloudCalls };
}

async function eventsOf(client: Client, workflowId: string): Promise<number> {
  const { historyLength } = await client.workflow.getHandle(workflowId).describe();
  return historyLength;
}

/** Every HTTP request that the embedded OpenStack has answered, its own control calls left out. */
async function callsOf(stack: Stack): Promise<number> {
  return (await stack.observer.calls()).calls;
}
