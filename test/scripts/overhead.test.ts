import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, loadCloudConfig, neutron, nova, type Session } from '../../openstack';
import { start, type Running } from '../../scripts/lib/processes';
import { root } from '../../scripts/lib/root';
import { ratiosOf, tableOf, targetOf, type Sample } from '../../scripts/programs/bench/overhead/ratios';
import { begin, runToEnd } from '../real/program';

/**
 * The benchmark as a person runs it, on a cloud that is not its own: what it prints, and that neither side leaves anything there. What
 * the times are is not tested.
 */

let cloud: Running | undefined;
let cloudsYaml: string;
let url: string;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-overhead-'));
  cloudsYaml = join(directory, 'clouds.yaml');
  const started = await start({
    command: process.execPath,
    args: [
      join(root, 'dist/simulator/main.js'),
      ...['--port', '0', '--clouds-yaml', cloudsYaml, '--pace', '0.01', '--hosts', 'mz=6,dmz=1'],
    ],
    logFile: join(directory, 'openstack.log'),
    isReady: (line) => line.includes('"url"'),
    readyWithinSeconds: 30,
  });
  cloud = started;
  // Under its own names: `embedded` is for the program an OpenStack that it starts itself.
  writeFileSync(cloudsYaml, readFileSync(cloudsYaml, 'utf8').replaceAll('  embedded', '  given'));
  ({ url } = JSON.parse(started.readyLine) as { url: string });
}, 60_000);

afterAll(async () => {
  await cloud?.stop();
});

function argsFor(name: string): string[] {
  const host = (alive: boolean): string =>
    `curl -sf -X POST -H 'Content-Type: application/json' -d '{"alive": ${String(alive)}}' ${url}/bulkhead/hosts/{host}`;
  return [
    ...['overhead', '--cloud', name, '--json', '--vms', '5', '--rounds', '1', '--concurrency', '4'],
    ...['--host-fail-command', host(false), '--host-recover-command', host(true)],
  ];
}

const program = 'scripts/programs/bench/main.js';
const paces = { BULKHEAD_PACE: '0.01', BULKHEAD_TIMEOUT_PACE: '0.05' };

function envFor(): Record<string, string> {
  return { OS_CLIENT_CONFIG_FILE: cloudsYaml, ...paces };
}

function sessionAs(name: string): Session {
  return connect(loadCloudConfig({ OS_CLIENT_CONFIG_FILE: cloudsYaml }, { cloud: name }));
}

/** Of the whole project: nobody else is there. */
async function contentsOf(name: string): Promise<unknown> {
  const session = sessionAs(name);
  const [servers, ports, groups, serverGroups, services] = await Promise.all([
    nova.listServers(session, {}),
    neutron.listPorts(session, {}),
    neutron.listSecurityGroups(session),
    nova.listServerGroups(session),
    nova.listServices(sessionAs('given')),
  ]);
  return {
    servers: servers.map((server) => server.name),
    ports: ports.map((port) => port.name),
    groups: groups.map((group) => group.name),
    serverGroups: serverGroups.map((group) => group.name),
    hosts: services.filter(({ up, enabled }) => !up || !enabled).map(({ host }) => host),
  };
}

const nothing = { servers: [], ports: [], groups: [], serverGroups: [], hosts: [] };

type Case = readonly [procedure: string, vms: number, until: 'done' | 'inService'];
const growth: readonly Case[] = [
  ['instantiate', 5, 'done'],
  ['scaleOut', 3, 'done'],
];
const healing: readonly Case[] = [
  ['heal', 1, 'inService'],
  ['heal', 1, 'done'],
];
const evacuation: readonly Case[] = [
  ['evacuateHost', 2, 'inService'],
  ['evacuateHost', 2, 'done'],
];

test.each([
  { name: 'given', as: 'operator', cases: [...growth, ...healing, ...evacuation] },
  { name: 'given-tenant', as: 'tenant', cases: [...growth, ...healing] },
])(
  'as $as: a line of JSON for each case and nothing else, and an empty cloud',
  async ({ name, as, cases }) => {
    const { code, stdout, stderr } = await runToEnd(program, argsFor(name), { env: envFor() });
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const someNumber = expect.any(Number) as number;
    expect(lines).toEqual(
      cases.map(([procedure, vms, until]) => ({
        procedure,
        as,
        vms,
        ratioMedian: someNumber,
        ratioMin: someNumber,
        ratioMax: someNumber,
        beside: 'bare',
        until,
        rounds: 1,
        bulkheadSeconds: someNumber,
        besideSeconds: someNumber,
      })),
    );
    expect(await contentsOf(name)).toEqual(nothing);
  },
  150_000,
);

test.each(['bulkhead evacuateHost', 'bare instantiate'])(
  'SIGINT after %s removes what was made and puts the hosts back',
  async (said) => {
    const running = begin(program, argsFor('given'), { env: envFor() });
    await running.says('round 1');
    await running.says(said);
    running.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect([code, code === 130 ? '' : stderr]).toEqual([130, '']);
    expect(await contentsOf('given')).toEqual(nothing);
  },
  150_000,
);

const sampleOf = (procedure: 'scaleOut' | 'heal', ourSeconds: number, theirSeconds: number): Sample => ({
  ...{ procedure, vms: 6, beside: 'bare' },
  ours: { seconds: ourSeconds, servedSeconds: ourSeconds / 2 },
  theirs: { seconds: theirSeconds, servedSeconds: theirSeconds / 4 },
});

test('ratios are of rounds, and what misses its target is said', () => {
  const rounds = [sampleOf('scaleOut', 11, 10), sampleOf('scaleOut', 30, 20)];
  const ratios = ratiosOf([...rounds, sampleOf('scaleOut', 9, 10), sampleOf('scaleOut', 12, 10)], 'operator');
  expect(ratios).toMatchObject([{ ratioMedian: 1.15, ratioMin: 0.9, ratioMax: 1.5, rounds: 4, bulkheadSeconds: 11.5 }]);
  expect(tableOf(ratios)).toContain('| 1.15 | 0.90 to 1.50 | 4 | 1.10, missed |');
});

test('of a recovery two ends are timed, and the target is for the one by which the replacements serve', () => {
  const ratios = ratiosOf([sampleOf('heal', 10, 10)], 'operator');
  expect(ratios).toMatchObject([
    { until: 'inService', ratioMedian: 2 },
    { until: 'done', ratioMedian: 1 },
  ]);
  expect(ratios.map(targetOf)).toEqual([1.15, null]);
});
