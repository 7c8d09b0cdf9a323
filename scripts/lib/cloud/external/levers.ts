import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quoted } from '../../../../domain/shell';
import { root } from '../../root';

/** How a host is killed and brought back, and where a cloud writes down what it does: what no API has. */
export interface Levers {
  /** Commands with `{host}` in them. Null: there is none, and nobody is killed. */
  readonly hostFail: string | null;
  readonly hostRecover: string | null;
  /** A directory with the files that oslo.messaging's `log` driver writes. */
  readonly notifications: string | null;
  /** An operator's entry of clouds.yaml, where the cloud's own is a tenant's. Null: there is none. */
  readonly operator: string | null;
  /** Further environment by which the cloud is found. */
  readonly env: Readonly<Record<string, string>>;
}

/** What was given, and for the lab of this repository what is known of it. */
export function leversOf(
  cloud: string,
  given: { hostFailCommand?: string; hostRecoverCommand?: string; notifications?: string; operator?: string },
): Levers {
  const home = labHome();
  const isLab = cloud.startsWith('lab-') && existsSync(join(home, 'clouds.yaml'));
  const lab = join(root, 'scripts/lab');
  const clouds = process.env['OS_CLIENT_CONFIG_FILE'];
  return {
    hostFail: given.hostFailCommand ?? (isLab ? `'${lab}' host-fail {host}` : null),
    hostRecover: given.hostRecoverCommand ?? (isLab ? `'${lab}' host-recover {host}` : null),
    notifications: given.notifications ?? (isLab ? join(home, 'log/notifications') : null),
    operator: given.operator ?? (isLab ? 'lab-operator' : null),
    env: isLab && (clouds === undefined || clouds === '') ? { OS_CLIENT_CONFIG_FILE: join(home, 'clouds.yaml') } : {},
  };
}

function labHome(): string {
  const { LAB_HOME: home, XDG_STATE_HOME: state } = process.env;
  return home ?? join(state ?? join(homedir(), '.local/state'), 'openstack-lab');
}

const run = promisify(execFile);
const withinMs = 60_000;

/** Through the shell, the host's name as an argument that cannot be read as anything else. */
export async function runFor(command: string, host: string): Promise<void> {
  if (host.startsWith('-')) throw new Error(`${command}: a host named ${host} would be taken for an option`);
  try {
    await run('sh', ['-c', command.replaceAll('{host}', () => quoted(host))], { timeout: withinMs });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`${command.replaceAll('{host}', () => host)}: ${said}`, { cause: error });
  }
}
