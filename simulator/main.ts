import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { createCloud, hostsOf } from './model';
import { serve } from './http';

/** `scripts/openstack`: serves the embedded OpenStack for other programs, until it is told to stop. */

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('give a number of at least 0');
  return value;
}

function zones(text: string): Record<string, number> {
  const pairs = text.split(',').map((each) => /^([a-z][a-z0-9-]*)=([0-9]{1,4})$/.exec(each));
  if (pairs.some((pair) => pair === null))
    throw new InvalidArgumentError('give zones with their number of hosts, e.g. mz=12,dmz=4');
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', Number(pair?.[2])]));
}

function range(text: string): [number, number] {
  const match = /^([0-9.]+)-([0-9.]+)$/.exec(text);
  if (!match || Number(match[1]) > Number(match[2]))
    throw new InvalidArgumentError('give a range of seconds, e.g. 10-20');
  return [Number(match[1]), Number(match[2])];
}

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

interface Options {
  readonly port: number;
  readonly listen: string;
  readonly publicHost: string;
  readonly hosts: Record<string, number>;
  readonly pace: number;
  readonly bootSeconds: [number, number];
  readonly seed: number;
  readonly cloudsYaml?: string;
}

async function main(): Promise<void> {
  const options = new Command('openstack')
    .description(
      'Serves an OpenStack that exists in memory only, on loopback. Its log of everything that changed is at /bulkhead/log.',
    )
    .option('--port <number>', 'port; 0 takes a free one', number, 5_000)
    .option('--listen <address>', 'address to listen on, e.g. inside a container', '127.0.0.1')
    .option('--public-host <name>', 'the name by which others reach it', '127.0.0.1')
    .option('--hosts <zones>', 'zones and how many hosts each has', zones, { mz: 12, dmz: 4 })
    .option('--pace <factor>', 'factor on boots and on how soon a death is noticed', number, 1)
    .option('--boot-seconds <range>', 'how long a boot takes, before the pace', range, [10, 20] as [number, number])
    .option('--seed <number>', 'makes ids and times the same again', number, 1)
    .option('--clouds-yaml <file>', 'writes a clouds.yaml with the entries embedded (operator) and embedded-tenant')
    .parse()
    .opts<Options>();
  const cloud = createCloud({
    hosts: hostsOf(options.hosts),
    pace: options.pace,
    bootSeconds: options.bootSeconds,
    seed: options.seed,
  });
  const served = await serve(cloud, { port: options.port, listen: options.listen, publicHost: options.publicHost });
  if (options.cloudsYaml !== undefined) writeFileSync(options.cloudsYaml, cloudsYaml(served.url), { mode: 0o600 });
  process.stdout.write(`${JSON.stringify({ url: served.url, cloudsYaml: options.cloudsYaml ?? null })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void served.close().then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`openstack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
