import { writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { createCloud, hostsOf, inDomains, type Resources } from './model';
import { serve } from './http';
import { optionsOf } from './options';

/** `scripts/openstack`: serves the embedded OpenStack for other programs, until it is told to stop. */

function cloudsYaml(url: string): string {
  const entry = (name: string, user: string, project: string): string =>
    [
      `  ${name}:`,
      '    auth:',
      `      auth_url: ${url}/identity/v3`,
      `      username: ${user}`,
      `      password: ${project}-secret`,
      `      project_name: ${project}`,
      '      user_domain_name: Default',
      '      project_domain_name: Default',
      '    region_name: RegionOne',
      '    interface: public',
      '    identity_api_version: 3',
    ].join('\n');
  return `clouds:\n${entry('embedded', 'operator', 'bulkhead')}\n${entry('embedded-tenant', 'tenant', 'tenant')}\n`;
}

/** An address that means all of them is none that a client could call. */
function reachable(listen: string): string {
  if (listen === '0.0.0.0' || listen === '::') return '127.0.0.1';
  return listen.includes(':') ? `[${listen}]` : listen;
}

function sizeOf(vcpus: number): Resources {
  return { vcpus, ramMb: vcpus * 4_096, diskGb: Math.max(1_000, vcpus * 40) };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  const cloud = createCloud({
    hosts: inDomains(hostsOf(options.hosts, sizeOf(options.hostVcpus)), options.domains),
    pace: options.pace,
    bootSeconds: options.bootSeconds,
    seed: options.seed,
  });
  const { port: wanted, listen, publicHost } = options;
  const served = await serve(cloud, { port: wanted, listen, publicHost: publicHost ?? reachable(listen) }).catch(
    (error: unknown) => {
      if (!isBusy(error)) throw error;
      throw new Error(`port ${String(wanted)} of ${listen} is in use already; choose another one with --port, or 0`);
    },
  );
  try {
    if (options.cloudsYaml !== undefined) writeFileSync(options.cloudsYaml, cloudsYaml(served.url), { mode: 0o600 });
  } catch (error) {
    await served.close();
    throw error;
  }
  process.stdout.write(`${JSON.stringify({ url: served.url, cloudsYaml: options.cloudsYaml ?? null })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void served.close().then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // Said already, as help is. What is wrong with the options ends with 2, what goes wrong later with 1.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  process.stderr.write(`openstack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
