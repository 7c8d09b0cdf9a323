/**
 * How things of ours are named and tagged in the cloud. Names are for people and for repeats that look for their own
 * work; ownership is proved by tags, never by a name alone.
 */

/** `<vnf>-<pool>-<ordinal>`, e.g. `ims1-sprout-7`: the name of a member's server and the prefix of its ports' names. */
export function memberName(vnf: string, pool: string, ordinal: number): string {
  return `${vnf}-${pool}-${String(ordinal)}`;
}

/** A member by its name; undefined for what this VNF names nobody. */
export function readMemberName(vnf: string, name: string): { pool: string; ordinal: number } | undefined {
  const match = /^(.+)-([1-9][0-9]{0,14})$/.exec(name);
  const prefix = `${vnf}-`;
  if (!match?.[1]?.startsWith(prefix)) return undefined;
  return { pool: match[1].slice(prefix.length), ordinal: Number(match[2]) };
}

/** `<member>.<network>`: one port of a member for each network of its pool. No member's name has a dot, so that it can be read back. */
export function portName(member: string, network: string): string {
  return `${member}.${network}`;
}

/** What a port is called that no repeat is to take any more: no network has an empty name. Whose it was can still be read back. */
export function givenUpPortName(member: string): string {
  return portName(member, '');
}

/** Whose port it is, by its name: only where its marks say that it is this VNF's. */
export function readPortName(vnf: string, name: string): { pool: string; ordinal: number } | undefined {
  return readMemberName(vnf, name.split('.')[0] ?? '');
}

/** `<vnf>-<pool>`: the security group of a pool. Two VNFs can have one in common (`a-b` and `c`, `a` and `b-c`), and so may a stranger: see `groupMarks`. */
export function groupName(vnf: string, pool: string): string {
  return `${vnf}-${pool}`;
}

/**
 * A server group takes neither tags nor a description, its name is all that it has: for people first, then whose it is. Read by
 * `readMarks`; its number stands where a member has its ordinal. At most 255 characters, as Nova takes.
 */
export function serverGroupName(of: { vnf: string; pool: string; number: number; token: string }): string {
  const { vnf, pool, number, token } = of;
  return [`${vnf}-${pool}-apart-${String(number)}`, groupMarks({ vnf, pool, token }), tag.ordinal(number)].join(' ');
}

/** Nova and Neutron refuse tags of more than 60 characters. */
export const tagLengthMax = 60;

export const tag = {
  vnf: (vnf: string): string => `bulkhead:vnf=${vnf}`,
  pool: (pool: string): string => `bulkhead:pool=${pool}`,
  ordinal: (ordinal: number): string => `bulkhead:ordinal=${String(ordinal)}`,
  token: (token: string): string => `bulkhead:token=${token}`,
} as const;

/** What the tags of a server or port say; a field is absent where the tag is absent or malformed. */
export interface Tagged {
  readonly vnf?: string;
  readonly pool?: string;
  readonly ordinal?: number;
  readonly token?: string;
}

export function readTags(tags: readonly string[]): Tagged {
  const valueOf = (key: string, form: RegExp): string | undefined => {
    const prefix = `bulkhead:${key}=`;
    const value = tags.find((each) => each.startsWith(prefix))?.slice(prefix.length);
    return value !== undefined && form.test(value) ? value : undefined;
  };
  const vnf = valueOf('vnf', label);
  const pool = valueOf('pool', label);
  const ordinal = valueOf('ordinal', decimal);
  const token = valueOf('token', something);
  return {
    ...(vnf !== undefined && { vnf }),
    ...(pool !== undefined && { pool }),
    ...(ordinal !== undefined && { ordinal: Number(ordinal) }),
    ...(token !== undefined && { token }),
  };
}

/** All that a member's server bears. The token comes first where they are put on one by one: it is in nobody else's tags. */
export function memberTags(of: { vnf: string; pool: string; ordinal: number; token: string }): readonly string[] {
  return [tag.token(of.token), tag.pool(of.pool), tag.ordinal(of.ordinal), tag.vnf(of.vnf)];
}

/** What of a server's tags says that a VNF has it, or had. */
export function ourTags(tags: readonly string[]): readonly string[] {
  return tags.filter((each) => each.startsWith('bulkhead:'));
}

/** Every VNF whose tag is among them. One is right; at two, two adopts have met, or a person has put one on. */
export function vnfsIn(tags: readonly string[]): readonly string[] {
  return [...new Set(tags.flatMap((each) => readTags([each]).vnf ?? []))];
}

/** As ids of VNFs and names of pools are: anybody may tag a server of theirs, with anything. */
const label = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/;
const something = /./;
/** As `String` writes it and no other way, up to what is exact. */
const decimal = /^[1-9][0-9]{0,14}$/;

/**
 * Whose a security group is, as its description says it: it takes no tags when it is made. Read by `readMarks`. At most 255
 * characters, as Neutron takes.
 */
export function groupMarks(of: { vnf: string; pool: string; token: string }): string {
  return [tag.vnf(of.vnf), tag.pool(of.pool), tag.token(of.token)].join(' ');
}

/**
 * Whose a port is, as its description says it. Neutron takes a tag in a create, and forgets it unless an extension is on that many
 * clouds do not have; and by a description it finds only what is equal to it, so it has no more in it than what is looked for.
 */
export function portMarks(of: { vnf: string; token: string }): string {
  return [tag.vnf(of.vnf), tag.token(of.token)].join(' ');
}

export function readMarks(description: string): Tagged {
  return readTags(description.split(' '));
}

/**
 * What an object has under a name that somebody else has chosen. A plain `object[name]` also finds what every object inherits:
 * a member `ims1-constructor-1` would be of a pool that is a function.
 */
export function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The workflow id of a VNF's record. No procedure may be started with such an id. */
export function recordWorkflowId(vnf: string): string {
  return `vnf:${vnf}`;
}

/** The Temporal Schedule by which is looked for what no VNF with a record has. */
export const orphansScheduleId = 'orphans';

/** The Temporal Schedule of a VNF's audits. */
export function auditScheduleId(vnf: string): string {
  return `audit:${vnf}`;
}

/** Ids of records, host mutexes, clean-ups and budgets. A procedure under such an id would be taken for one of them. */
export function isReservedWorkflowId(workflowId: string): boolean {
  return /^(vnf|host|audit|cloud):/.test(workflowId);
}

/** The global request id that every mutating call of a turn carries: OpenStack logs it, and so does the checker's cloud. */
export function requestId(token: string): string {
  return `req-${token}`;
}
