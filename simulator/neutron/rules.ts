import { isIP } from 'node:net';
import type { SecurityRule } from '../model';
import { Refusal, text } from '../routing';

/**
 * Security group rules as Neutron stores them, and what it takes for the same rule.
 * https://opendev.org/openstack/neutron/src/branch/master/neutron/db/securitygroups_db.py
 */

export type StoredRule = Omit<SecurityRule, 'id' | 'groupId' | 'projectId'>;

/** Not as it was given: ICMP of IPv6 and prefixes have one form each. */
export function asStored(given: Record<string, unknown>): StoredRule {
  const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  const ethertype = text(given['ethertype']) ?? 'IPv4';
  const protocol = text(given['protocol']) ?? null;
  const prefix = text(given['remote_ip_prefix']);
  return {
    direction: text(given['direction']) ?? 'ingress',
    ethertype,
    protocol: protocol === null ? null : storedProtocol(protocol.toLowerCase(), ethertype),
    portMin: number(given['port_range_min']),
    portMax: number(given['port_range_max']),
    remoteIpPrefix: prefix === undefined || prefix === '' ? null : storedPrefix(prefix, ethertype),
    remoteGroupId: text(given['remote_group_id']) ?? null,
    description: text(given['description']) ?? '',
  };
}

function storedProtocol(protocol: string, ethertype: string): string {
  if (ethertype !== 'IPv6') return protocol;
  if (protocol === 'icmp' || protocol === 'icmpv6') return 'ipv6-icmp';
  return protocol === '1' ? '58' : protocol;
}

/** As netaddr writes a network: with its length, and with the bits of the host that it was given. */
function storedPrefix(prefix: string, ethertype: string): string {
  const isV6 = prefix.includes(':');
  const [address = '', length = isV6 ? '128' : '32'] = prefix.split('/');
  if (isIP(address) === 0) throw refused('InvalidCIDR', `Invalid CIDR ${prefix} given as IP prefix.`);
  if (ethertype !== (isV6 ? 'IPv6' : 'IPv4')) {
    const message = `Conflicting value ethertype ${ethertype} for CIDR ${prefix}`;
    throw refused('SecurityGroupRuleParameterConflict', message);
  }
  return `${isV6 ? storedAddress(address) : address}/${length}`;
}

function storedAddress(address: string): string {
  // A URL has it in the shortest form, and in hexadecimal throughout.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  // What embeds an address of IPv4 is written so.
  const embedded = /^(::|::ffff:)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (!embedded) return short;
  const octets = embedded.slice(2).flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]);
  return `${embedded[1] ?? ''}${octets.join('.')}`;
}

function refused(type: string, message: string): Refusal {
  return new Refusal(400, message, { body: { NeutronError: { type, message, detail: '' } } });
}

const everybody: readonly (string | null)[] = ['0.0.0.0/0', '::/0', null];
const numbers: Readonly<Record<string, string>> = { icmp: '1', tcp: '6', udp: '17', 'ipv6-icmp': '58' };

/** What makes two rules the same one: a protocol by name or number, and everybody however they are named. */
export function duplicateKey(groupId: string, rule: StoredRule): string {
  const { direction, ethertype, protocol, portMin, portMax, remoteIpPrefix, remoteGroupId } = rule;
  const from = everybody.includes(remoteIpPrefix) ? null : remoteIpPrefix;
  const number = protocol === null ? null : (numbers[protocol] ?? protocol);
  return JSON.stringify([groupId, direction, ethertype, number, portMin, portMax, from, remoteGroupId]);
}
