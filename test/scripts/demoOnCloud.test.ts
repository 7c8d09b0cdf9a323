import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observe } from '../../scripts/lib/observer';
import { start, type Running } from '../../scripts/lib/processes';
import { root } from '../../scripts/lib/root';
import type { CloudEvent } from '../../simulator/events';
import { until } from '../real/world';
import { acts, actsOfTenant } from './acts';

/**
 * The demo on a cloud of clouds.yaml that tells nothing of what it does: an embedded one that is served apart, and is reached by
 * OpenStack's own calls alone.
 */

interface Cloud {
  readonly url: string;
  readonly yaml: string;
  readonly running: Running;
}

let directory: string;
const clouds: Cloud[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'demo-on-cloud-'));
});
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.running.stop();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function serve(hosts: string): Promise<Cloud> {
  const yaml = join(directory, 'clouds.yaml');
  const running = await start({
    command: process.execPath,
    args: [
      join(root, 'dist/simulator/main.js'),
      ...['--port', '0', '--clouds-yaml', yaml, '--pace', '0.02', '--boot-seconds', '40-60', '--hosts', hosts],
    ],
    logFile: '/dev/null',
    isReady: (line) => line.includes('"url"'),
    readyWithinSeconds: 30,
  });
  const cloud = { url: (JSON.parse(running.readyLine) as { url: string }).url, yaml, running };
  clouds.push(cloud);
  return cloud;
}

function demoOn(cloud: Cloud, ...args: string[]) {
  const setAlive = (alive: boolean): string =>
    `'${process.execPath}' -e 'fetch(process.argv[1], { method: "POST", body: JSON.stringify({ alive: ${String(alive)} }) })' ${cloud.url}/bulkhead/hosts/{host}`;
  const child = spawn(
    process.execPath,
    [
      join(root, 'dist/scripts/programs/demo/main.js'),
      ...['--cloud', 'embedded', '--vnf', 'demo1', '--fast'],
      ...['--host-fail-command', setAlive(false), '--host-recover-command', setAlive(true), ...args],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, OS_CLIENT_CONFIG_FILE: cloud.yaml, BULKHEAD_TIMEOUT_PACE: '0.05' },
    },
  );
  const said = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (said.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.err += data.toString()));
  return { child, said, ended: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
}

interface Line {
  readonly act: string;
  readonly outcome: string;
  readonly guarantees: Readonly<Record<string, boolean>>;
}

function linesOf(out: string): Line[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** What the cloud itself says is there in the end. */
function leftIn(log: readonly CloudEvent[]): unknown {
  const left = new Set<string>();
  const hosts = new Map<string, boolean>();
  let instances: number | null = null;
  for (const event of log) {
    if (/^(server|port|securityGroup|serverGroup)\.created$/.test(event.type) && 'id' in event) left.add(event.id);
    if (/^(server|port|securityGroup|serverGroup)\.deleted$/.test(event.type) && 'id' in event) left.delete(event.id);
    if (event.type === 'host') hosts.set(event.host, event.alive && event.enabled && !event.forcedDown);
    if (event.type === 'quota') instances = event.limit;
  }
  return { things: left.size, hostsAmiss: [...hosts].flatMap(([host, good]) => (good ? [] : [host])), instances };
}

test('plays every act, says what was only sampled, and puts back what it changed', async () => {
  const cloud = await serve('mz=12,dmz=4');
  const { said, ended } = demoOn(cloud, '--json');
  const code = await ended;
  const lines = linesOf(said.out);
  expect(lines.map(({ act, outcome }) => [act, outcome])).toEqual(acts);
  for (const line of lines) {
    expect(line).toMatchObject({ vnf: 'demo1', sampled: ['G1', 'G2', 'G3', 'G5', 'G7'] });
    expect(Object.values(line.guarantees)).toEqual(Array.from({ length: 8 }, () => true));
  }
  expect({ code, err: said.err.includes('demo:') }).toEqual({ code: 0, err: false });
  expect(leftIn(await observe(cloud.url).log())).toEqual({ things: 0, hostsAmiss: [], instances: 1_000 });
}, 400_000);

// With an operator beside it, it is played on the lab: scripts/test-lab.
describe('as a tenant', () => {
  const raised = async (): Promise<Cloud> => {
    const cloud = await serve('mz=12,dmz=4');
    await observe(cloud.url).setQuota({ project: 'tenant', resource: 'server_group_members', limit: 12 });
    return cloud;
  };

  test('alone it plays all but what only an operator can bring about, and says so', async () => {
    const cloud = await raised();
    const { said, ended } = demoOn(cloud, '--cloud', 'embedded-tenant', '--json');
    const code = await ended;
    const lines = linesOf(said.out);
    expect(lines.map(({ act, outcome }) => [act, outcome])).toEqual(actsOfTenant({ quotaRefused: 'notPlayed' }));
    for (const { act, guarantees } of lines)
      expect(Object.values(guarantees)).toEqual(Array.from({ length: act === 'quotaRefused' ? 0 : 8 }, () => true));
    expect({ code, err: said.err.includes('demo:') }).toEqual({ code: 0, err: false });
    expect(leftIn(await observe(cloud.url).log())).toMatchObject({ things: 0, hostsAmiss: [] });
  }, 400_000);

  test('a quota that does not carry the acts is said first', async () => {
    const { said, ended } = demoOn(await serve('mz=12,dmz=4'), '--cloud', 'embedded-tenant');
    expect(await ended).toBe(2);
    expect(said.err).toContain('openstack quota set --server-group-members 12');
  }, 60_000);
});

test('Ctrl-C in the middle of a launch removes what was made', async () => {
  const cloud = await serve('mz=12,dmz=4');
  const { child, ended } = demoOn(cloud);
  const observer = observe(cloud.url);
  await until('something is launched', 90, async () =>
    (await observer.log()).some((event) => event.type === 'server.created'),
  );
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(leftIn(await observer.log())).toMatchObject({ things: 0 });
}, 180_000);

test('a cloud that lacks something is not played on, and is told what to make', async () => {
  const cloud = await serve('mz=12');
  const { said, ended } = demoOn(cloud);
  expect(await ended).toBe(2);
  expect(said.err).toContain('zone dmz has no host that is up and enabled: openstack aggregate create');
}, 60_000);
