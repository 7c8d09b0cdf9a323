import { Command, InvalidArgumentError } from 'commander';

/** The options of `scripts/openstack`. */
interface Options {
  readonly port: number;
  readonly listen: string;
  readonly publicHost?: string;
  readonly hosts: Record<string, number>;
  readonly domains: Record<string, number>;
  readonly hostVcpus: number;
  readonly pace: number;
  readonly bootSeconds: [number, number];
  readonly seed: number;
  readonly cloudsYaml?: string;
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('give a number of at least 0');
  return value;
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('give a whole number up to 65535');
  return Number(text);
}

/** `mz=12,dmz=4`, each name once. */
function counts(text: string, of: { readonly name: RegExp; readonly help: string }): Record<string, number> {
  const pairs = text.split(',').map((each) => /^([^=]+)=([1-9][0-9]{0,3})$/.exec(each));
  const found = Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', Number(pair?.[2])]));
  if (!Object.keys(found).every((name) => of.name.test(name)) || Object.keys(found).length < pairs.length)
    throw new InvalidArgumentError(of.help);
  return found;
}

function zones(text: string): Record<string, number> {
  return counts(text, {
    name: /^[a-z][a-z0-9-]*$/,
    help: 'give each zone once, with its number of hosts, e.g. mz=12,dmz=4',
  });
}

function domains(text: string): Record<string, number> {
  return counts(text, {
    name: /^[a-z][a-z0-9_-]*$/,
    help: 'give each key once, with its number of domains, e.g. rack=4,power=2',
  });
}

function range(text: string): [number, number] {
  const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  if (!match || Number(match[1]) > Number(match[2]))
    throw new InvalidArgumentError('give a range of seconds, e.g. 10-20');
  return [Number(match[1]), Number(match[2])];
}

/** Throws a `CommanderError`, after it was said, where they are wrong or only help is asked for. */
export function optionsOf(argv: readonly string[]): Options {
  return new Command('openstack')
    .description(
      'Serves an OpenStack that exists in memory only, on loopback. Its log of everything that changed is at /bulkhead/log.',
    )
    .option('--port <number>', 'port; 0 takes a free one', port, 5_000)
    .option('--listen <address>', 'address to listen on, e.g. inside a container', '127.0.0.1')
    .option('--public-host <name>', 'the name by which others reach it (default: the address it listens on)')
    .option('--hosts <zones>', 'zones and how many hosts each has', zones, { mz: 12, dmz: 4 })
    .option(
      '--domains <keys>',
      'keys of aggregate metadata and how many values each has; the hosts of a zone have them by turns: rack=4 makes rack-r1 … rack-r4',
      domains,
      {},
    )
    .option('--host-vcpus <number>', 'cores of each host; with each come 4 GiB of memory', number, 16)
    .option('--pace <factor>', 'factor on boots and on how soon a death is noticed', number, 1)
    .option('--boot-seconds <range>', 'how long a boot takes, before the pace', range, [10, 20] as [number, number])
    .option('--seed <number>', 'makes ids and times the same again', number, 1)
    .option('--clouds-yaml <file>', 'writes a clouds.yaml with the entries embedded (operator) and embedded-tenant')
    .exitOverride()
    .parse(argv, { from: 'user' })
    .opts<Options>();
}
