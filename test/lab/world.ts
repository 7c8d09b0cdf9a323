import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { connectBulkhead, type Bulkhead } from '../../client';
import type { RecordView } from '../../domain/turn';
import { connect, loadCloudConfig, type Session } from '../../openstack';
import { endpointOf } from '../../openstack/keystone/catalog';
import { authRequest, tokenSchema } from '../../openstack/keystone/tokens';
import { httpClient } from '../../openstack/wire';
import { start } from '../../scripts/lib/processes';
import { root } from '../../scripts/lib/root';
import { findTemporal, startDevServer } from '../../scripts/lib/temporal';
import { endOf, settleWithinSeconds, type Ended, type Procedure } from '../real/world';
import { settledView } from '../../scripts/lib/settled';
import { openHosts, sweep } from './inventory';
import { startProxy, type Proxy } from './proxy';

/**
 * The lab, a real Temporal server and a worker process, as a user would run them, with a proxy between the worker and the cloud.
 * What is looked at afterwards is asked of the cloud itself.
 */
export interface LabWorld {
  readonly proxy: Proxy;
  readonly bulkhead: Bulkhead;
  /** Where Temporal is, for programs. */
  readonly address: string;
  readonly client: Client;
  /** Straight to the cloud, as the operator. */
  readonly cloud: Session;
  /** Straight to the cloud, as the worker. */
  readonly own: Session;
  /** Runs the lab's program. */
  readonly lab: (...args: string[]) => Promise<void>;
  /** What a service allows whom, read again whenever it is changed. */
  readonly policyFile: (service: 'nova' | 'placement') => string;
  /** Where a host keeps its files, and looks for what it is to do wrong. */
  readonly hostDirectory: (host: string) => string;
  readonly begin: (procedure: Procedure, input: Record<string, unknown>) => Promise<Begun>;
  readonly run: (procedure: Procedure, input: Record<string, unknown>) => Promise<Ended>;
  readonly settle: (vnf: string) => Promise<RecordView | null>;
  readonly directory: string;
  readonly stop: () => Promise<void>;
}

interface Begun {
  readonly handle: WorkflowHandle;
  readonly end: () => Promise<Ended>;
}

/** Drains and holds are quick; the cloud's own time is what it is. Nobody answers a run that is stuck: it ends soon, and says why. */
const workerEnv = { BULKHEAD_PACE: '0.05', BULKHEAD_TIMEOUT_PACE: '1', BULKHEAD_STUCK_SECONDS: '10' };

const services = ['compute', 'network', 'placement', 'image'] as const;

const home =
  process.env['LAB_HOME'] ?? join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'openstack-lab');
const clouds = process.env['OS_CLIENT_CONFIG_FILE'] ?? join(home, 'clouds.yaml');
const operator = 'lab-operator';
const program = process.env['BULKHEAD_CONTRACT_LAB'] ?? join(root, 'scripts/lab');

/** The worker logs in with this entry of clouds.yaml; an operator looks at what it has done. */
export async function startLabWorld(entry = operator): Promise<LabWorld> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let each = undo.pop(); each; each = undo.pop()) await each();
  };
  try {
    const directory = mkdtempSync(join(tmpdir(), 'bulkhead-lab-'));
    const config = loadCloudConfig({ ...process.env, OS_CLIENT_CONFIG_FILE: clouds }, { cloud: operator });
    const cloud = connect(config);
    const own =
      entry === operator
        ? cloud
        : connect(loadCloudConfig({ ...process.env, OS_CLIENT_CONFIG_FILE: clouds }, { cloud: entry }));
    await sweep(own);
    await openHosts(cloud);
    const proxy = await startProxy(config.authUrl, await endpointsOf(config));
    undo.push(() => proxy.stop());
    const temporal = await startDevServer({ program: await findTemporal() });
    undo.push(() => temporal.stop());
    const worker = await start({
      command: process.execPath,
      args: [join(root, 'dist/workers/main.js')],
      env: {
        TEMPORAL_ADDRESS: temporal.address,
        OS_CLIENT_CONFIG_FILE: behind(proxy, { entry, directory }),
        OS_CLOUD: entry,
        BULKHEAD_DESCRIPTORS: join(root, 'descriptors'),
        ...workerEnv,
      },
      logFile: join(directory, 'worker.log'),
      isReady: (line) => line.includes('worker is ready'),
      readyWithinSeconds: 60,
    });
    undo.push(() => worker.stop());
    const connection = await Connection.connect({ address: temporal.address });
    undo.push(() => connection.close());
    const bulkhead = await connectBulkhead({ address: temporal.address });
    undo.push(() => bulkhead.close());
    const client = new Client({ connection });
    let runs = 0;
    const begin: LabWorld['begin'] = async (procedure, input) => {
      const workflowId = `${procedure}-${String((runs += 1))}`;
      const handle = await client.workflow.start(procedure, { taskQueue: 'bulkhead', workflowId, args: [input] });
      return { handle, end: () => endOf(handle) };
    };
    process.stderr.write(`lab: logs in ${directory}\n`);
    return {
      proxy,
      bulkhead,
      address: temporal.address,
      client,
      cloud,
      own,
      policyFile: (service) => join(home, 'etc', service, 'policy.yaml'),
      lab: async (...args) => {
        await promisify(execFile)(program, args);
      },
      hostDirectory: (host) => join(home, 'computes', host),
      begin,
      run: async (procedure, input) => await (await begin(procedure, input)).end(),
      settle: (vnf) => settledView(bulkhead, vnf, settleWithinSeconds),
      directory,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where the services really are, by their types in the catalog. */
async function endpointsOf(config: ReturnType<typeof loadCloudConfig>): Promise<Record<string, string>> {
  const answer = await httpClient(config).post<string>(`${config.authUrl}/v3/auth/tokens`, authRequest(config.auth));
  const { token } = tokenSchema.parse(JSON.parse(answer.data));
  return Object.fromEntries(services.map((service) => [service, endpointOf(config, token, service)]));
}

/** The same cloud as the lab's own clouds.yaml has it, by way of the proxy. */
function behind(proxy: Proxy, { entry, directory }: { entry: string; directory: string }): string {
  const schema = z.object({ clouds: z.record(z.string(), z.looseObject({ auth: z.looseObject({}) })) });
  const cloud = schema.parse(parse(readFileSync(clouds, 'utf8'))).clouds[entry];
  const file = join(directory, 'clouds.yaml');
  const auth = { ...cloud?.auth, auth_url: proxy.authUrl };
  writeFileSync(file, stringify({ clouds: { [entry]: { ...cloud, auth } } }), { mode: 0o600 });
  return file;
}
