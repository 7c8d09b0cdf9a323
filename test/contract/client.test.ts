import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createCloud, serve, type Served } from '../../simulator';
import { commands, type Command } from './commands';
import { realOptions } from './real';
import { differences, shapeOf, type Shape } from './shapes';

/**
 * The same commands of the `openstack` client on both clouds, compared field by field. It needs a cloud of a clouds.yaml, as
 * the suite does, and the client: BULKHEAD_CONTRACT_CLIENT, or the one that the lab has installed.
 */

const real = realOptions(process.env);
const client =
  process.env['BULKHEAD_CONTRACT_CLIENT'] ?? join(process.env['LAB_HOME'] ?? '', 'venv', 'bin', 'openstack');

interface Played {
  /** Entries of the clouds.yaml. */
  readonly operator: string;
  readonly tenant: string;
  readonly file: string | undefined;
  readonly words: Map<string, string>;
}

const clientMs = 120_000;

async function type(on: Played, { type: typed, as = 'tenant', keeps }: Command): Promise<Shape> {
  const words = typed.replace(/\{([\w:]+)\}/g, (_, word: string) => on.words.get(word) ?? word);
  const isSilent = / (delete|stop|set|unset) /.test(words);
  const { stdout } = await promisify(execFile)(
    client,
    ['--os-cloud', on[as], ...words.split(' '), ...(isSilent ? [] : ['-f', 'json'])],
    {
      env: {
        PATH: process.env['PATH'],
        ...(on.file !== undefined && { OS_CLIENT_CONFIG_FILE: on.file }),
        OS_COMPUTE_API_VERSION: '2.96',
        OS_PLACEMENT_API_VERSION: '1.29',
      },
      timeout: clientMs,
      maxBuffer: 64 * 1_024 * 1_024,
    },
  );
  if (isSilent) return stdout.trim();
  const answer: unknown = JSON.parse(stdout);
  if (keeps !== undefined) on.words.set(`id:${keeps}`, (answer as { readonly id: string }).id);
  return shapeOf(answer);
}

const name = `ct-${randomBytes(4).toString('hex')}`;
const offered = { name, flavor: 'm1.small', image: 'cirros', network: 'mgmt', zone: 'mz', host: 'cmp-01' };

function words(project: string, changes: Readonly<Record<string, string | undefined>> = {}): Map<string, string> {
  const given = Object.entries(changes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return new Map<string, string>([...Object.entries({ ...offered, project }), ...given]);
}

if (real !== null && existsSync(client)) {
  const directory = mkdtempSync(join(tmpdir(), 'contract-'));
  let served: Served;
  let clouds: readonly [Played, Played];

  beforeAll(async () => {
    const cloud = createCloud({ pace: 0.05 });
    served = await serve(cloud);
    const file = join(directory, 'clouds.yaml');
    writeFileSync(file, cloudsYaml(served.url), { mode: 0o600 });
    const ours = { operator: 'operator', tenant: 'tenant', file, words: words('tenant') };
    const image = process.env['BULKHEAD_CONTRACT_IMAGE'];
    const theirs = { ...real, file: process.env['OS_CLIENT_CONFIG_FILE'], words: words('tenant', { image }) };
    clouds = [ours, theirs];
  });

  afterAll(async () => {
    await served.close();
    rmSync(directory, { recursive: true });
  });

  test.each(commands)(
    'openstack $type',
    async (command) => {
      const [ours, theirs] = await Promise.all(clouds.map((each) => type(each, command)));
      expect(differences(ours ?? 'null', theirs ?? 'null')).toEqual([]);
    },
    clientMs,
  );
} else {
  test('the commands have a name of their own', () => {
    expect(new Set(commands.map(({ type: typed }) => typed)).size).toBe(commands.length);
  });
}

function cloudsYaml(url: string): string {
  const entry = (user: string, project: string): object => ({
    auth: {
      auth_url: `${url}/identity/v3`,
      username: user,
      password: `${project}-secret`,
      project_name: project,
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    },
    region_name: 'RegionOne',
  });
  return JSON.stringify({ clouds: { operator: entry('operator', 'bulkhead'), tenant: entry('tenant', 'tenant') } });
}
