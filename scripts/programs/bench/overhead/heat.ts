import { z } from 'zod';
import { NotFoundError, UnavailableError, type Session } from '../../../../openstack';
import type { Move, Side } from './side';
import { poolOf, type Subject } from './subject';
import { lookUntil } from './waiting';

/**
 * Heat's side: a ResourceGroup of members for each pool, each a server with its ports, created and grown as one stack. Where they are
 * is left to Nova's scheduler, since Heat has no say in it. https://docs.openstack.org/api-ref/orchestration/v1/
 */

const doneWithinSeconds = 900;

const stackSchema = z.object({
  stack: z.object({ stack_status: z.string(), stack_status_reason: z.string().nullish() }),
});

export interface HeatOptions {
  readonly session: Session;
  readonly subject: Subject;
  readonly stack: string;
  readonly signal: AbortSignal;
}

export function heatSide(options: HeatOptions): Side {
  const { session, subject, stack, signal } = options;
  const sizes = new Map<string, number>();
  let id: string | null = null;

  const path = (): string => `/stacks/${stack}/${id ?? ''}`;
  const untilDone = async (what: 'CREATE' | 'UPDATE'): Promise<void> => {
    await lookUntil(`${stack} is ${what}_COMPLETE`, {
      withinSeconds: doneWithinSeconds,
      signal,
      look: async () => {
        const query = { resolve_outputs: false };
        const read = { service: 'orchestration', method: 'GET', path: path(), query, reply: stackSchema } as const;
        const { stack_status: status, stack_status_reason: reason } = (await session.call(read)).stack;
        if (status.endsWith('_FAILED')) throw new Error(`Heat: ${status}: ${reason ?? ''}`);
        return status === `${what}_COMPLETE`;
      },
    });
  };
  const body = (): Record<string, unknown> => ({ template: templateOf(subject, sizes), files: filesOf(subject) });

  return {
    name: 'heat',
    plays: ['instantiate', 'scaleOut'],
    play: async ({ procedure, launches }: Move, served) => {
      for (const { pool } of launches) sizes.set(pool, (sizes.get(pool) ?? 0) + 1);
      if (procedure === 'instantiate') {
        const reply = z.object({ stack: z.object({ id: z.string() }) });
        const given = { ...body(), stack_name: stack, timeout_mins: 15, disable_rollback: true };
        const create = { service: 'orchestration', method: 'POST', path: '/stacks', body: given, reply } as const;
        id = (await session.call(create)).stack.id;
        await untilDone('CREATE');
      } else {
        await session.call({ service: 'orchestration', method: 'PUT', path: path(), body: body() });
        await untilDone('UPDATE');
      }
      served();
    },
    remove: async () => {
      if (id !== null) await removeStack(session, `${stack}/${id}`);
      sizes.clear();
      id = null;
    },
  };
}

/** Whether or not it is there. Told again where a deletion failed, as it does while a port is still in use. */
export async function removeStack(session: Session, name: string): Promise<void> {
  const { signal } = new AbortController();
  const path = `/stacks/${name}`;
  const read = { service: 'orchestration', method: 'GET', path, reply: stackSchema } as const;
  await lookUntil(`stack ${name} is gone`, {
    withinSeconds: doneWithinSeconds,
    signal,
    look: async () => {
      try {
        const { stack_status: status } = (await session.call(read)).stack;
        if (status === 'DELETE_COMPLETE') return true;
        if (status !== 'DELETE_IN_PROGRESS') await session.call({ service: 'orchestration', method: 'DELETE', path });
        return false;
      } catch (error) {
        if (error instanceof NotFoundError) return true;
        if (error instanceof UnavailableError) return false;
        throw error;
      }
    },
  });
}

/** Its id where there is one of that name: `name/id`. */
export async function findStack(session: Session, name: string): Promise<string | null> {
  const reply = z.object({ stacks: z.array(z.object({ id: z.string(), stack_name: z.string() })) });
  const list = { service: 'orchestration', method: 'GET', path: '/stacks', reply } as const;
  const found = (await session.call(list)).stacks.find((each) => each.stack_name === name);
  return found ? `${name}/${found.id}` : null;
}

const version = '2018-08-31';

function templateOf({ descriptor }: Subject, sizes: ReadonlyMap<string, number>): unknown {
  const groups = descriptor.pools.map(({ name, securityRules }) => {
    const rules = securityRules.map(({ protocol, ports, from }) => ({
      protocol,
      ...(ports && { port_range_min: ports[0], port_range_max: ports[1] }),
      ...(descriptor.pools.some((pool) => pool.name === from)
        ? { remote_mode: 'remote_group_id', remote_group_id: { get_resource: `${from}-group` } }
        : { remote_ip_prefix: from === 'any' ? '0.0.0.0/0' : from }),
    }));
    return [`${name}-group`, { type: 'OS::Neutron::SecurityGroup', properties: { rules } }];
  });
  const pools = descriptor.pools.map(({ name, dependsOn }) => {
    const member = { type: fileOf(name), properties: { group: { get_resource: `${name}-group` } } };
    const properties = { count: sizes.get(name) ?? 0, resource_def: member };
    return [name, { type: 'OS::Heat::ResourceGroup', depends_on: dependsOn, properties }];
  });
  return { heat_template_version: version, resources: Object.fromEntries([...groups, ...pools]) as unknown };
}

/** A member of each pool as a template of its own: a ResourceGroup repeats one resource. */
function filesOf(subject: Subject): Record<string, string> {
  return Object.fromEntries(
    subject.descriptor.pools.map(({ name }) => [fileOf(name), JSON.stringify(memberOf(subject, name))]),
  );
}

function fileOf(pool: string): string {
  return `file:///${pool}.yaml`;
}

function memberOf(subject: Subject, name: string): unknown {
  const { networks, flavor, image, zone } = poolOf(subject, name);
  const ports = networks.map((network) => [
    `port-${network}`,
    {
      type: 'OS::Neutron::Port',
      properties: {
        network: subject.descriptor.networks[network]?.network ?? network,
        security_groups: [{ get_param: 'group' }],
      },
    },
  ]);
  const server = {
    type: 'OS::Nova::Server',
    properties: {
      flavor,
      image,
      availability_zone: zone,
      // The default would have the guest call back.
      user_data_format: 'RAW',
      networks: networks.map((network) => ({ port: { get_resource: `port-${network}` } })),
    },
  };
  return {
    heat_template_version: version,
    parameters: { group: { type: 'string' } },
    resources: { ...(Object.fromEntries(ports) as Record<string, unknown>), server },
  };
}
