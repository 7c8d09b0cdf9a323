import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observe } from '../../scripts/lib/observer';
import { start, type Running } from '../../scripts/lib/processes';
import { root } from '../../scripts/lib/root';
import type { CloudEvent } from '../../simulator/events';
import { until } from '../real/world';
import { acts } from './acts';

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

/** What the cloud itself says is there in the end. */
function leftIn(log: readonly CloudEvent[]): unknown {
  const left = new Set<string>();
  const hosts = new Map<string, boolean>();
  let instances: number | null = null;
  for (const event of log) {
    if (event.type === 'server.created' || event.type === 'port.created' || event.type === 'securityGroup.created')
      left.add(event.id);
    if (event.type === 'server.deleted' || event.type === 'port.deleted' || event.type === 'securityGroup.deleted')
      left.delete(event.id);
    if (event.type === 'host') hosts.set(event.host, event.alive && event.enabled && !event.forcedDown);
    if (event.type === 'quota') instances = event.limit;
  }
  return { things: left.size, hostsAmiss: [...hosts].flatMap(([host, good]) => (good ? [] : [host])), instances };
}

test('plays every act, says what was only sampled, and puts back what it changed', async () => {
  const cloud = await serve('mz=12,dmz=4');
  const { said, ended } = demoOn(cloud, '--json');
  const code = await ended;
  const lines = said.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { act: string; outcome: string; guarantees: Record<string, boolean> });
  expect(lines.map(({ act, outcome }) => [act, outcome])).toEqual(acts);
  for (const line of lines) {
    expect(line).toMatchObject({ vnf: 'demo1', sampled: ['G1', 'G2', 'G3', 'G5', 'G7'] });
    expect(Object.values(line.guarantees)).toEqual(Array.from({ length: 8 }, () => true));
  }
  expect({ code, err: said.err.includes('demo:') }).toEqual({ code: 0, err: false });
  expect(leftIn(await observe(cloud.url).log())).toEqual({ things: 0, hostsAmiss: [], instances: 1_000 });
}, 400_000);

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
