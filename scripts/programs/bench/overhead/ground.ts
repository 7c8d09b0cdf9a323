import { connect, loadCloudConfig, type Session } from '../../../../openstack';
import { keepHosts, type Hosts } from '../../../lib/cloud/external/keepHosts';
import { leversOf, runFor } from '../../../lib/cloud/external/levers';
import { startStack, startStackOn, type StackOn } from '../../../lib/stack';
import type { CloudForWorkers } from '../../../lib/cloud/cloud';

/** Where the sides meet: one cloud, with a worker of the product before it and a session of our own. */
export interface Ground {
  readonly stack: Pick<StackOn<CloudForWorkers>, 'temporal' | 'stopWorkers' | 'stop' | 'directory'>;
  readonly session: Session;
  readonly as: 'operator' | 'tenant';
  /** Null where nobody can kill a host, or nobody may. */
  readonly hosts: Hosts | null;
  readonly pace: number;
}

export interface GroundOptions {
  /** Entry of clouds.yaml; `embedded` is an OpenStack of its own. */
  readonly cloud: string;
  readonly as?: 'operator' | 'tenant';
  readonly hostFailCommand?: string;
  readonly hostRecoverCommand?: string;
  readonly signal: AbortSignal;
}

/** Virtual boots of 10 to 20 s, played at this factor. */
const embeddedPace = 0.05;
/** Calls of the bare script and of the observer are never in one another's way. */
const concurrent = 64;

export async function openGround(options: GroundOptions): Promise<Ground> {
  return options.cloud === 'embedded' ? await openEmbedded(options) : await openExternal(options);
}

async function openEmbedded({ as = 'operator', signal }: GroundOptions): Promise<Ground> {
  const login = as === 'tenant' ? 'embedded-tenant' : 'embedded';
  const stack = await startStack({
    pace: embeddedPace,
    bootSeconds: '10-20',
    workerEnv: { OS_CLOUD: login },
    signal,
  });
  const { observer, cloudsYaml } = stack;
  const session = connect(loadCloudConfig({ OS_CLIENT_CONFIG_FILE: cloudsYaml }, { cloud: login }), { concurrent });
  const levers = {
    fail: (host: string) => observer.setHost(host, { alive: false }),
    recover: (host: string) => observer.setHost(host, { alive: true }),
  };
  const hosts = as === 'operator' ? keepHosts({ session, levers }) : null;
  return { stack, session, as, hosts, pace: embeddedPace };
}

async function openExternal(options: GroundOptions): Promise<Ground> {
  const { cloud, signal } = options;
  const levers = leversOf(cloud, options);
  const session = connect(loadCloudConfig({ ...process.env, ...levers.env }, { cloud }), { concurrent });
  const as = options.as ?? ((await session.isAdmin()) ? 'operator' : 'tenant');
  // Holds and drains of a descriptor may be shortened, for every side alike. What the cloud itself needs may not.
  const pace = Number(process.env['BULKHEAD_PACE'] ?? '1');
  const workerEnv = { BULKHEAD_AS: as, BULKHEAD_TIMEOUT_PACE: process.env['BULKHEAD_TIMEOUT_PACE'] ?? '1' };
  const stack = await startStackOn({ pace, workerEnv, signal }, () =>
    Promise.resolve({ workerEnv: { ...levers.env, OS_CLOUD: cloud }, stop: () => Promise.resolve() }),
  );
  const { hostFail, hostRecover } = levers;
  const hosts =
    as === 'operator' && hostFail !== null && hostRecover !== null
      ? keepHosts({
          session,
          levers: { fail: (host) => runFor(hostFail, host), recover: (host) => runFor(hostRecover, host) },
        })
      : null;
  return { stack, session, as, hosts, pace };
}
