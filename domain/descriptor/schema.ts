import { z } from 'zod';
import type { Descriptor, SecurityRule, Share, Spare } from './descriptor';

/**
 * The file's form. What a descriptor's parts may look like is here; what they may say together is in `contradictions.ts`.
 * A parsed descriptor parses again to itself: it travels through workflows as JSON.
 */

/** A DNS label: it is part of server names, of tags and of DNS names. */
export const labelPattern = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
const label = (what: string, longest: number) =>
  z
    .string({ error: `give ${what}` })
    .max(longest, { error: `${what} has at most ${String(longest)} characters` })
    .regex(labelPattern, {
      error: `${what} is lower-case letters, digits and hyphens, beginning with a letter, e.g. "sprout"`,
    });

const positiveInt = z
  .number({ error: 'give a whole number' })
  .int({ error: 'give a whole number' })
  .min(1, { error: 'give a whole number of at least 1' });
const seconds = z
  .number({ error: 'give seconds as a number' })
  .min(0, { error: 'seconds are not negative' })
  .max(86_400, { error: 'at most a day: 86400' });

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

function valid(numerator: number, denominator: number): Share | null {
  return numerator > 0 && numerator <= denominator ? reduced(numerator, denominator) : null;
}

const share = z.union(
  [
    z.string().transform((text, context) => {
      const parsed = parseShare(text.trim());
      if (parsed) return parsed;
      context.addIssue({ code: 'custom', message: shareHelp });
      return z.NEVER;
    }),
    z.strictObject({ numerator: positiveInt, denominator: positiveInt }),
  ],
  { error: shareHelp },
);

const spareHelp = 'spare is a count (2), a share ("34%", "1/3"), both ({count: 2, share: "34%"}), or none';
const spare: z.ZodType<Spare> = z.union(
  [
    z.literal('none'),
    positiveInt.transform((count) => ({ count })),
    z.string().transform((text, context) => {
      const parsed = parseShare(text.trim());
      if (parsed) return { share: parsed };
      context.addIssue({ code: 'custom', message: spareHelp });
      return z.NEVER;
    }),
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

const port = z
  .number({ error: 'give a port number' })
  .int()
  .min(1, { error: 'ports are 1 to 65535' })
  .max(65_535, { error: 'ports are 1 to 65535' });
const portsHelp = 'give a port (5060), a range ("32768-65535"), or [first, last]';
const ports = z.union(
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
);

const securityRule: z.ZodType<SecurityRule> = z
  .strictObject({
    protocol: z.enum(['tcp', 'udp', 'icmp'], { error: 'protocol is tcp, udp or icmp' }),
    ports: ports.optional(),
    from: z.string({ error: 'say who may send: any, a CIDR, or the name of a pool' }).min(1),
  })
  .refine((rule) => (rule.protocol === 'icmp') === (rule.ports === undefined), {
    error: 'tcp and udp have ports, icmp has none',
    path: ['ports'],
  })
  .refine(
    (rule) =>
      rule.ports === undefined || (rule.ports[0] >= 1 && rule.ports[0] <= rule.ports[1] && rule.ports[1] <= 65_535),
    {
      error: 'ports are 1 to 65535, the first not above the last',
      path: ['ports'],
    },
  )
  .transform(({ protocol, ports: range, from }) => ({ protocol, ...(range && { ports: range }), from }));

const name = (what: string) =>
  z
    .string({ error: `give ${what}` })
    .min(1, { error: `give ${what}` })
    .max(255);

const pool = z.strictObject({
  name: label('the name of the pool', 20),
  role: z.string().max(100).default(''),
  zone: name('the availability zone of the pool, e.g. "mz"'),
  size: z.strictObject(
    { min: positiveInt, initial: positiveInt, max: positiveInt },
    { error: 'size is {min, initial, max}' },
  ),
  spare,
  flavor: name('the name of a flavor'),
  image: name('the name of an image'),
  networks: z
    .array(z.string(), { error: 'give the networks as a list' })
    .min(1, { error: 'a member needs at least one network' }),
  securityRules: z.array(securityRule).default([]),
  dependsOn: z.array(z.string()).default([]),
  healthyAfterSeconds: seconds.default(10),
  drainSeconds: seconds.default(0),
  bootTimeoutSeconds: seconds.default(300),
  serial: z.boolean().default(false),
  recover: z.enum(['replace', 'evacuate'], { error: 'recover is replace or evacuate' }).default('replace'),
  belowShare: z.enum(['refuse', 'onePerHost'], { error: 'belowShare is refuse or onePerHost' }).default('refuse'),
});

export const descriptorSchema: z.ZodType<Descriptor> = z.strictObject({
  name: label('the name of the descriptor', 40),
  description: z.string().max(2_000).default(''),
  networks: z.record(z.string(), z.strictObject({ network: name('the name of a Neutron network') }), {
    error: 'networks is a map of {network: <name in Neutron>}',
  }),
  pools: z
    .array(pool, { error: 'give the pools as a list' })
    .min(1, { error: 'a VNF has at least one pool' })
    .max(50, { error: 'a VNF has at most 50 pools' }),
});
