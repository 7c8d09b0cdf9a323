import { z } from 'zod';
import type { Descriptor, Pool, SecurityRule, Share, Spare } from './descriptor';

/**
 * The file's form. What a descriptor's parts may look like is here; what they may say together is in `contradictions.ts`.
 * A parsed descriptor parses again to itself: it travels through workflows as JSON.
 */

/** A DNS label: it is part of server names, of tags and of DNS names. */
const labelPattern = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
/** Who sends, in a rule, where everybody may. */
export const anybody = 'any';

const label = (what: string, longest: number): z.ZodString =>
  z
    .string({ error: `give ${what}` })
    .max(longest, { error: `${what} has at most ${String(longest)} characters` })
    .regex(labelPattern, {
      error: `${what} is lower-case letters, digits and hyphens, beginning with a letter, e.g. "sprout"`,
    });

const poolName = label('the name of the pool', 20);

const positiveInt = z
  .number({ error: 'give a whole number' })
  .int({ error: 'give a whole number' })
  .min(1, { error: 'give a whole number of at least 1' });
const memberCount = positiveInt.max(10_000, { error: 'a pool has at most 10000 members' });
const seconds = z
  .number({ error: 'give seconds as a number' })
  .min(0, { error: 'seconds are not negative' })
  .max(86_400, { error: 'at most a day: 86400' });

/**
 * A list is measured before its items are looked at, so that an endless one is refused at once and with one problem.
 * `what` is said in the plural.
 */
export function list<T>(item: z.ZodType<T>, { what, max }: { what: string; max: number }): z.ZodType<T[]> {
  return z
    .array(z.unknown(), { error: `give the ${what} as a list` })
    .max(max, { error: `at most ${String(max)} ${what}` })
    .pipe(z.array(item));
}

function reduced(numerator: number, denominator: number): Share {
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

const shareHelp = 'a share is a percentage above 0 and up to 100, e.g. "34%" or "12.5%", or a fraction, e.g. "1/3"';

/** Exact: "12.5%" is 125/1000, and never goes through a float. */
function parseShare(text: string): Share | null {
  const percent = /^([0-9]{1,3})(?:\.([0-9]{1,4}))?\s*%$/.exec(text);
  const fraction = /^([0-9]{1,6})\s*\/\s*([0-9]{1,6})$/.exec(text);
  if (percent) {
    const decimals = percent[2] ?? '';
    return valid(Number(`${percent[1] ?? ''}${decimals}`), 100 * 10 ** decimals.length);
  }
  return fraction ? valid(Number(fraction[1]), Number(fraction[2])) : null;
}

/** Products of a level and a share must stay exact: see `floorDivide` of `levels.ts`. */
const denominatorMax = 1_000_000;

function valid(numerator: number, denominator: number): Share | null {
  return numerator > 0 && numerator <= denominator && denominator <= denominatorMax
    ? reduced(numerator, denominator)
    : null;
}

const shareText = (help: string) =>
  z.string().transform((text, context) => parseShare(text.trim()) ?? refused(context, help));

function refused(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

const share = z.union(
  [
    shareText(shareHelp),
    // What a share is after parsing, and travels as.
    z
      .strictObject({ numerator: positiveInt, denominator: positiveInt })
      .transform((given, context) => valid(given.numerator, given.denominator) ?? refused(context, shareHelp)),
  ],
  { error: shareHelp },
);

const spareHelp = 'spare is a count (2), a share ("34%", "1/3"), both ({count: 2, share: "34%"}), or none';
const spare: z.ZodType<Spare> = z.union(
  [
    z.literal('none'),
    positiveInt.transform((count) => ({ count })),
    shareText(spareHelp).transform((each) => ({ share: each })),
    z
      .strictObject({ count: positiveInt.optional(), share: share.optional() })
      .refine((both) => both.count !== undefined || both.share !== undefined, { error: spareHelp })
      .transform((both) => ({
        ...(both.count !== undefined && { count: both.count }),
        ...(both.share && { share: both.share }),
      })),
  ],
  { error: spareHelp },
);

const portsHelp = 'give a port (5060), a range ("32768-65535"), or [first, last]; ports are 1 to 65535';
const port = z.number({ error: portsHelp }).int({ error: portsHelp });
const ports = z
  .union(
    [
      port.transform((each): [number, number] => [each, each]),
      z
        .string()
        .regex(/^[0-9]{1,5}(-[0-9]{1,5})?$/, { error: portsHelp })
        .transform((text): [number, number] => {
          const [first = '', last] = text.split('-');
          return [Number(first), Number(last ?? first)];
        }),
      z.tuple([port, port]),
    ],
    { error: portsHelp },
  )
  .refine(([first, last]) => 1 <= first && first <= last && last <= 65_535, {
    error: 'ports are 1 to 65535, the first not above the last',
  });

const senderHelp = 'from is "any", a CIDR like 10.0.0.0/8 or fd00::/8, or the name of a pool';
const sender = z
  .string({ error: senderHelp })
  .refine((text) => text === anybody || isCidr(text) || poolName.safeParse(text).success, { error: senderHelp });

export function isCidr(text: string): boolean {
  return z.union([z.cidrv4(), z.cidrv6()]).safeParse(text).success;
}

const ruleHelp = 'a rule is {protocol, ports, from}, e.g. {protocol: tcp, ports: 5060, from: any}';
export const ruleSchema = z.strictObject(
  {
    protocol: z.enum(['tcp', 'udp', 'icmp'], { error: 'protocol is tcp, udp or icmp' }),
    ports: ports.optional(),
    from: sender,
  },
  { error: ruleHelp },
);
const securityRule: z.ZodType<SecurityRule> = ruleSchema
  .refine((rule) => (rule.protocol === 'icmp') === (rule.ports === undefined), {
    error: 'tcp and udp have ports, icmp has none',
    path: ['ports'],
  })
  .transform(({ protocol, ports: range, from }) => ({ protocol, ...(range && { ports: range }), from }));

export const name = (what: string, longest = 255): z.ZodString =>
  z
    .string({ error: `give ${what}` })
    .min(1, { error: `give ${what}` })
    .max(longest, { error: `${what} has at most ${String(longest)} characters` });

const failureDomainHelp =
  'failureDomain is {key, spare}: the key of aggregate metadata that names racks or power feeds, and how many members may be lost with one: {key: rack, spare: "50%"}';
export const failureDomainSchema = z.strictObject(
  {
    key: name('the key of aggregate metadata that names the domains, e.g. "rack"', 255).refine(
      (key) => key !== 'availability_zone',
      {
        error:
          'a pool is in one availability zone, and its failure domains are within that; give another key, e.g. "rack"',
      },
    ),
    spare: spare.transform((each, context) =>
      each === 'none' ? refused(context, 'leave failureDomain out where no domain is to be guarded against') : each,
    ),
  },
  { error: failureDomainHelp },
);

/** How much of each a descriptor may have: far above what a network function needs, and far below what a history can carry. */
export const lists = {
  pools: { what: 'pools', max: 50 },
  networks: { what: 'networks', max: 20 },
  securityRules: { what: 'securityRules', max: 100 },
  dependsOn: { what: 'pools in dependsOn', max: 50 },
} as const;

export const sizeSchema = z.strictObject(
  { min: memberCount, initial: memberCount, max: memberCount },
  { error: 'size is {min, initial, max}' },
);
export const poolSchema = z.strictObject(
  {
    name: poolName.refine((text) => text !== anybody, {
      error: `no pool is named "${anybody}": in a rule that is everybody`,
    }),
    role: z.string({ error: 'role is a text' }).max(100, { error: 'role has at most 100 characters' }).default(''),
    zone: name('the availability zone of the pool, e.g. "mz"'),
    size: sizeSchema,
    spare,
    failureDomain: failureDomainSchema.optional(),
    flavor: name('the name of a flavor'),
    image: name('the name of an image'),
    networks: list(name('the name of a network'), lists.networks).refine((networks) => networks.length > 0, {
      error: 'a member needs at least one network',
    }),
    securityRules: list(securityRule, lists.securityRules).default([]),
    dependsOn: list(name('the name of a pool'), lists.dependsOn).default([]),
    healthyAfterSeconds: seconds.default(10),
    drainSeconds: seconds.default(0),
    bootTimeoutSeconds: seconds.default(300),
    serial: z.boolean({ error: 'serial is true or false' }).default(false),
    recover: z.enum(['replace', 'evacuate'], { error: 'recover is replace or evacuate' }).default('replace'),
    belowShare: z.enum(['refuse', 'onePerHost'], { error: 'belowShare is refuse or onePerHost' }).default('refuse'),
  },
  { error: 'a pool is a map: name, zone, size, spare, flavor, image, networks …' },
);
const pool: z.ZodType<Pool> = poolSchema.transform(({ failureDomain, ...rest }) => ({
  ...rest,
  ...(failureDomain && { failureDomain }),
}));

const networksHelp = 'networks is a map of {network: <name in Neutron>}';
/** Measured before its entries are looked at, as lists are. */
export const networkMap = z
  .record(z.string(), z.unknown(), { error: networksHelp })
  .refine((networks) => Object.keys(networks).length <= lists.networks.max, {
    error: `at most ${String(lists.networks.max)} networks`,
  });

export const descriptorSchema: z.ZodType<Descriptor> = z.strictObject(
  {
    name: label('the name of the descriptor', 40),
    description: z
      .string({ error: 'description is a text' })
      .max(2_000, { error: 'description has at most 2000 characters' })
      .default(''),
    networks: networkMap.pipe(
      z.record(
        // It ends the names of ports, which Neutron allows 255 characters.
        z.string().min(1).max(40),
        z.strictObject({ network: name('the name of a Neutron network') }, { error: networksHelp }),
        { error: 'the name of a network has 1 to 40 characters' },
      ),
    ),
    pools: list(pool, lists.pools).refine((pools) => pools.length > 0, { error: 'a VNF has at least one pool' }),
  },
  { error: 'a descriptor is a map of name, networks and pools' },
);
