import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { readMarks, recordWorkflowId, tag } from '../../domain/names';
import type { AuditResult } from '../../domain/procedures';
import type { RecordView } from '../../domain/turn';
import { neutron, nova } from '../../openstack';
import { until, type Ended, type Procedure } from '../real/world';
import { openHosts, sweep } from './inventory';
import { descriptorIn, done, levels } from './round';
import { startLabWorld, type LabWorld } from './world';

/** The rules of policies/ are what an operator's way in needs: all procedures run with them, and with one less some call is refused, and named. */

const vnf = 'least1';
const suiteMs = 300_000;

let world: LabWorld;

beforeAll(async () => {
  world = await startLabWorld('lab-least');
  expect(await world.own.isAdmin()).toBe(false);
}, suiteMs);

afterAll(async () => {
  try {
    if ((await world.settle(vnf)) !== null) await done(world, 'terminate', { vnf });
  } finally {
    await world.stop();
    await openHosts(world.cloud);
    await sweep(world.own);
  }
}, suiteMs);

type Members = RecordView['pools'][string]['inService'];

async function inService(): Promise<Members> {
  return (await world.settle(vnf))?.pools['web']?.inService ?? [];
}

async function hostOfOne(): Promise<string> {
  return (await inService())[0]?.host ?? '';
}

/** A host that is dead meanwhile. */
async function withDead<T>(host: string, body: () => Promise<T>): Promise<T> {
  await world.lab('host-fail', host);
  try {
    return await body();
  } finally {
    await world.lab('host-recover', host);
  }
}

function evacuable(): Record<string, unknown> {
  const descriptor = descriptorIn('mz');
  const pools = descriptor['pools'] as readonly Record<string, unknown>[];
  return { ...descriptor, pools: pools.map((pool) => ({ ...pool, recover: 'evacuate' })) };
}

function inRacks(): Record<string, unknown> {
  const descriptor = descriptorIn('mz');
  const pools = descriptor['pools'] as readonly Record<string, unknown>[];
  return { ...descriptor, pools: pools.map((pool) => ({ ...pool, failureDomain: { key: 'rack', spare: '50%' } })) };
}

const fenced = { cause: 'failed', fenced: true } as const;

test(
  'every procedure runs with these rules and no role of an admin',
  async () => {
    await done(world, 'instantiate', { vnf, descriptor: evacuable() });
    await done(world, 'scaleOut', { vnf, pool: 'web', to: levels.high });
    await done(world, 'scaleIn', { vnf, pool: 'web', to: levels.low });
    const first = (await world.settle(vnf))?.pools['web']?.inService[0]?.ordinal ?? 0;
    await done(world, 'heal', { vnf, members: [`${vnf}-web-${String(first)}`] });
    const dead = await hostOfOne();
    await withDead(dead, async () => {
      const { result } = await world.run('evacuateHost', { hosts: [dead], ...fenced });
      expect(result).toMatchObject({ vnfs: [{ evacuated: [{}], launched: [], short: [] }] });
    });
    await done(world, 'restoreHost', { hosts: [dead] });
    const busy = await hostOfOne();
    await done(world, 'evacuateHost', { hosts: [busy], cause: 'maintenance' });
    await done(world, 'restoreHost', { hosts: [busy] });
    expect(await world.bulkhead.capacity({ vnf })).toMatchObject({ vnf, exists: true, untold: null, refusal: null });
    expect(await world.bulkhead.orphans({})).toMatchObject({ unrecorded: [] });
    await repaired();
    await rebalanced();
    await adopted();
    await done(world, 'terminate', { vnf });
    expect(await world.settle(vnf)).toBeNull();
    expect(await nova.listServers(world.own, {})).toEqual([]);
    expect(await neutron.listPorts(world.own, {})).toEqual([]);
  },
  suiteMs,
);

/** What a repair needs a right of its own for: a tag that is lost, a rule too many, and one that is missing. */
async function repaired(): Promise<void> {
  const [member] = await inService();
  await nova.removeTag(world.own, member?.serverId ?? '', tag.vnf(vnf));
  const groups = await neutron.listSecurityGroups(world.own);
  const { id: groupId = '', rules = [] } = groups.find(({ description }) => readMarks(description).vnf === vnf) ?? {};
  const ssh = { protocol: 'tcp', portMin: 22, portMax: 22, remoteIpPrefix: '0.0.0.0/0' };
  await neutron.createSecurityGroupRules(world.own, [{ groupId, ...ssh }]);
  await neutron.deleteSecurityGroupRule(world.own, rules.find(({ protocol }) => protocol === 'tcp')?.id ?? '');

  const all = ['leftoverRule', 'missingRule', 'noTag'];
  const audited = async (input: object): Promise<Record<string, unknown>> => {
    const { outcome, message, result } = await world.run('audit', { vnf, ...input });
    const { findings = [], repaired: mended = [], refused } = (result ?? {}) as Partial<AuditResult>;
    const kinds = (of: AuditResult['findings']): string[] => of.map(({ kind }) => kind).sort();
    return { outcome, message, found: kinds(findings), mended: kinds(mended), refused };
  };
  const completed = { outcome: 'completed', message: undefined, refused: {} };
  expect(await audited({ repair: true, dryRun: true })).toEqual({ ...completed, found: all, mended: [] });
  expect(await audited({ repair: true })).toEqual({ ...completed, found: all, mended: all });
  expect(await audited({})).toEqual({ ...completed, found: [], mended: [] });
}

/** An operator has moved a member onto another one's host. */
async function rebalanced(): Promise<void> {
  const [first, second] = await inService();
  const id = second?.serverId ?? '';
  await world.cloud.call({
    ...{ service: 'compute', method: 'POST', path: `/servers/${id}/action` },
    body: { 'os-migrateLive': { host: first?.host, block_migration: 'auto' } },
  });
  await until('it is on that host', 30, async () => (await nova.getServer(world.cloud, id))?.host === first?.host);
  const { result } = await world.run('rebalance', { vnf });
  expect(result).toMatchObject({ launched: [{}], removed: [{ host: first?.host }], short: [] });
}

/** Its record is lost. */
async function adopted(): Promise<void> {
  const before = await world.settle(vnf);
  await world.client.workflow.getHandle(recordWorkflowId(vnf)).terminate('its database is lost');
  expect(await world.settle(vnf)).toBeNull();
  const { outcome, message, result } = await world.run('adopt', { vnf, descriptor: evacuable() });
  expect({ outcome, message, result }).toMatchObject({ outcome: 'completed', result: { misfits: [] } });
  const { level, inService: members } = before?.pools['web'] ?? {};
  expect((await world.settle(vnf))?.pools['web']).toMatchObject({ level, inService: members });
}

const aggregateReply = z.object({ aggregate: z.object({ id: z.number() }) });

/** Aggregates that say `rack=…` of hosts, made by an operator and taken away again. */
async function withRacks<T>(racks: Readonly<Record<string, readonly string[]>>, body: () => Promise<T>): Promise<T> {
  const call = { service: 'compute', method: 'POST' } as const;
  const made: { readonly id: number; readonly hosts: readonly string[] }[] = [];
  const act = (id: number, action: object): Promise<unknown> =>
    world.cloud.call({ ...call, path: `/os-aggregates/${String(id)}/action`, body: action, reply: z.unknown() });
  try {
    for (const [rack, hosts] of Object.entries(racks)) {
      const named = { aggregate: { name: `bulkhead-test-${rack}` } };
      const { aggregate } = await world.cloud.call({
        ...call,
        path: '/os-aggregates',
        body: named,
        reply: aggregateReply,
      });
      made.push({ ...aggregate, hosts });
      await act(aggregate.id, { set_metadata: { metadata: { rack } } });
      for (const host of hosts) await act(aggregate.id, { add_host: { host } });
    }
    return await body();
  } finally {
    for (const { id, hosts } of made) {
      for (const host of hosts) await act(id, { remove_host: { host } });
      await world.cloud.call({ service: 'compute', method: 'DELETE', path: `/os-aggregates/${String(id)}` });
    }
  }
}

test(
  'members are in the racks that aggregates name, one in each where no more may be',
  async () => {
    const services = (await nova.listServices(world.cloud)).filter(({ zone }) => zone === 'mz');
    // The lab's first two have room.
    const [first = '', second = '', ...others] = services.map(({ host }) => host).sort();
    await withRacks({ r1: others, r2: [first], r3: [second] }, async () => {
      await done(world, 'instantiate', { vnf: 'least2', descriptor: inRacks() });
      const on = (await world.settle('least2'))?.pools['web']?.inService.map(({ host }) => host) ?? [];
      await done(world, 'terminate', { vnf: 'least2' });
      expect(on).toHaveLength(levels.low);
      expect(on).toEqual(expect.arrayContaining([first, second]));
    });
  },
  suiteMs,
);

describe('with one rule less', () => {
  beforeAll(async () => {
    await done(world, 'instantiate', { vnf, descriptor: evacuable() });
  }, suiteMs);

  /** Services read their rules again when the file is another one. */
  async function without<T>(rule: string, body: () => Promise<T>): Promise<T> {
    const file = world.policyFile(rule.startsWith('placement:') ? 'placement' : 'nova');
    const before = readFileSync(file, 'utf8');
    const less = before.replace(new RegExp(`^(['"]${rule}['"]: .*) or role:bulkhead`, 'm'), '$1');
    expect(less).not.toBe(before);
    writeFileSync(file, less);
    try {
      return await body();
    } finally {
      writeFileSync(file, before);
    }
  }

  const moreOfIt: readonly [Procedure, (host: string) => Record<string, unknown>] = [
    'scaleOut',
    () => ({ vnf, pool: 'web', to: levels.high }),
  ];
  const dryRun: readonly [Procedure, (host: string) => Record<string, unknown>] = [
    'scaleOut',
    () => ({ vnf, pool: 'web', to: levels.high, dryRun: true }),
  ];
  const dryRunInRacks: readonly [Procedure, (host: string) => Record<string, unknown>] = [
    'instantiate',
    () => ({ vnf: 'least2', descriptor: inRacks(), dryRun: true }),
  ];
  const maintenance = (dry: boolean): readonly [Procedure, (host: string) => Record<string, unknown>] => [
    'evacuateHost',
    (host) => ({ hosts: [host], cause: 'maintenance', dryRun: dry }),
  ];

  const rules: readonly [
    rule: string,
    of: readonly [Procedure, (host: string) => Record<string, unknown>],
    outcome: Ended['outcome'],
    said: RegExp,
  ][] = [
    [
      'os_compute_api:os-aggregates:index',
      dryRunInRacks,
      'refused',
      /GET .*\/os-aggregates.*: 403 .*os-aggregates:index/,
    ],
    ['placement:allocation_candidates:list', dryRun, 'refused', /GET .*\/allocation_candidates.*: 403/],
    ['placement:resource_providers:list', dryRun, 'refused', /GET .*\/resource_providers.*: 403/],
    ['os_compute_api:os-services:list', dryRun, 'refused', /GET .*\/os-services.*: 403 .*os-services:list/],
    [
      'os_compute_api:servers:detail:get_all_tenants',
      maintenance(true),
      'refused',
      /GET .*\/servers\/detail.*: 403 .*get_all_tenants/,
    ],
    [
      'os_compute_api:servers:allow_all_filters',
      maintenance(true),
      'refused',
      /GET .*lacks Nova's rule .*allow_all_filters/,
    ],
    [
      'os_compute_api:os-services:update',
      maintenance(false),
      'unwound',
      /PUT .*\/os-services\/.*: 403 .*os-services:update/,
    ],
    [
      'compute:servers:create:requested_destination',
      moreOfIt,
      'unwound',
      /POST .*\/servers: 403 .*requested_destination/,
    ],
    [
      'os_compute_api:os-extended-server-attributes',
      moreOfIt,
      'unwound',
      /GET .*lacks Nova's rule .*os-extended-server-attributes/,
    ],
  ];

  test.each(rules)(
    '%s',
    async (rule, [procedure, input], outcome, said) => {
      const host = await hostOfOne();
      const ended = await without(rule, () => world.run(procedure, input(host)));
      expect(ended).toMatchObject({ outcome, message: expect.stringMatching(said) as string });
      await openHosts(world.cloud);
    },
    suiteMs,
  );

  test(
    'with all of them the racks of hosts are seen: that these are in none',
    async () => {
      const [procedure, input] = dryRunInRacks;
      const ended = await world.run(procedure, input(''));
      expect(ended).toMatchObject({ outcome: 'refused', kind: 'Impossible' });
      expect(ended.message).toMatch(/rack/);
    },
    suiteMs,
  );

  // What Nova does not evacuate is replaced, for whatever reason: service first.
  test(
    'os_compute_api:os-evacuate: members of a fenced host are replaced',
    async () => {
      const host = await hostOfOne();
      await withDead(host, async () => {
        const { result } = await without('os_compute_api:os-evacuate', () =>
          world.run('evacuateHost', { hosts: [host], ...fenced }),
        );
        expect(result).toMatchObject({ vnfs: [{ evacuated: [], launched: [{}], removed: [{}], short: [] }] });
      });
      await openHosts(world.cloud);
    },
    suiteMs,
  );

  test('the rules are all that policies/ has', () => {
    const given = ['nova', 'placement'].flatMap((service) => [
      ...readFileSync(world.policyFile(service as 'nova' | 'placement'), 'utf8').matchAll(/^['"]([^'"]+)['"]:/gm),
    ]);
    // The last two: a deletion that Nova has lost cannot be had at will (test/activities/remove.test.ts), nor a server that it has a host for and
    // does not say so (test/activities/hosts.test.ts).
    const tested = [
      ...rules.map(([rule]) => rule),
      'os_compute_api:os-evacuate',
      'os_compute_api:os-admin-actions:reset_state',
      'placement:allocations:list',
    ];
    expect(given.map(([, rule]) => rule).sort()).toEqual(tested.sort());
  });
});
