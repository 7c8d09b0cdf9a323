import type { SecurityRule } from './descriptor/descriptor';
import { anybody } from './descriptor/schema';

/** Rules for what comes in, as the cloud has them and as a descriptor says them: in one form, so that they can be compared. */

export interface IngressRule {
  readonly ethertype: 'IPv4' | 'IPv6';
  readonly protocol: string | null;
  readonly portMin: number | null;
  readonly portMax: number | null;
  /** A CIDR, or the id of a group. */
  readonly from: string;
}

/** What a rule is from that names nobody. */
export const everybody: Readonly<Record<IngressRule['ethertype'], string>> = { IPv4: '0.0.0.0/0', IPv6: '::/0' };

/** Neither ids nor names of pools have one. */
export function isCidr(from: string): boolean {
  return from.includes('/');
}

/** What a descriptor says of one group, each rule once. One from a pool that has no group yet is left out. */
export function wantedRules(
  said: readonly SecurityRule[],
  groupIdOf: (pool: string) => string | undefined,
): IngressRule[] {
  const rules = said.flatMap((rule) => wantedRule(rule, groupIdOf) ?? []);
  return [...new Map(rules.map((rule) => [ruleKey(rule), rule])).values()];
}

/** Those that are not there. */
export function lackingRules(wanted: readonly IngressRule[], there: readonly IngressRule[]): IngressRule[] {
  const keys = new Set(there.map(ruleKey));
  return wanted.filter((rule) => !keys.has(ruleKey(rule)));
}

function wantedRule(
  { protocol, ports, from }: SecurityRule,
  groupIdOf: (pool: string) => string | undefined,
): IngressRule | null {
  const sender = from === anybody ? everybody.IPv4 : isCidr(from) ? from : groupIdOf(from);
  if (sender === undefined) return null;
  const ethertype = isCidr(sender) && sender.includes(':') ? 'IPv6' : 'IPv4';
  return { ethertype, protocol, portMin: ports?.[0] ?? null, portMax: ports?.[1] ?? null, from: sender };
}

/** Two rules are the same one where their keys are equal. The cloud may write them otherwise than they were given. */
export function ruleKey({ ethertype, protocol, portMin, portMax, from }: IngressRule): string {
  return JSON.stringify([
    ethertype,
    protocol === null ? null : canonicalProtocol(protocol, ethertype),
    portMin,
    portMax,
    isCidr(from) ? canonicalCidr(from) : from,
  ]);
}

const names: Readonly<Record<string, string>> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'ipv6-icmp' };

/** Neutron has names for numbers, and a name of its own for the ICMP of IPv6. */
function canonicalProtocol(given: string, ethertype: IngressRule['ethertype']): string {
  const lower = given.toLowerCase();
  const name = names[lower] ?? lower;
  return ethertype === 'IPv6' && ['icmp', 'icmpv6'].includes(name) ? 'ipv6-icmp' : name;
}

/** The shortest form, in lower case (RFC 5952). Bits of the host stay: Neutron tells rules apart by them. */
function canonicalCidr(cidr: string): string {
  const [address = '', length = ''] = cidr.split('/');
  return `${address.includes(':') ? shortest(address) : address}/${length}`;
}

function shortest(address: string): string {
  const words = wordsOf(address);
  const { start, length } = longestZeros(words);
  const said = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return length < 2 ? said(words) : `${said(words.slice(0, start))}::${said(words.slice(start + length))}`;
}

/** Eight of 16 bits. */
function wordsOf(address: string): number[] {
  const [head = [], tail] = address.split('::').map(wordsIn);
  if (tail === undefined) return [...head];
  return [...head, ...Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail];
}

function wordsIn(part: string): number[] {
  return part.split(':').flatMap((word) => {
    if (word === '') return [];
    const octets = word.split('.').map(Number);
    const [a = 0, b = 0, c = 0, d = 0] = octets;
    return octets.length === 4 ? [a * 256 + b, c * 256 + d] : [parseInt(word, 16)];
  });
}

/** The first of the longest runs. */
function longestZeros(words: readonly number[]): { readonly start: number; readonly length: number } {
  const runs = words.map((_, start) => {
    const end = words.findIndex((word, index) => index >= start && word !== 0);
    return { start, length: (end < 0 ? words.length : end) - start };
  });
  return runs.reduce((best, run) => (run.length > best.length ? run : best), { start: 0, length: 0 });
}
