import { adoption, type Matched, type Misfit } from '../../domain/adopt';
import { adoptedToken, claimantsIn } from '../../domain/adopt/foreign';
import { readMatch, type Match } from '../../domain/adopt/match';
import { failureDomainKeys, type Descriptor } from '../../domain/descriptor/descriptor';
import { failure } from '../../domain/failure';
import type { ServerFound } from '../../domain/inventory';
import { memberTags, ourTags, portMarks, readMarks, tag, vnfsIn } from '../../domain/names';
import { refuseDomains } from '../../domain/placement/tenant';
import type { Member } from '../../domain/record';
import { neutron, nova, type CallOptions } from '../../openstack';
import type { Dependencies } from '../dependencies';
import { toFailure } from '../errors';
import { inParallel } from '../parallel';
import type { CloudActivities } from '../ports';
import { deadlineOf, refuseLostTurn, type Deadline } from '../turn';
import type { Ways } from '../way-in';
import { listInventory, portFound, serverFound, type Listed } from './audit';

/** Of the session's own project: what others have is not ours to take over. */
export function surveyActivity(dependencies: Dependencies, ways: Ways): CloudActivities['survey'] {
  return async ({ turn, vnf, descriptor, match }) => {
    // A run that was reset would see what the run before it is doing, and say that nothing was touched.
    if (turn) refuseLostTurn(turn);
    const { session } = dependencies;
    const way = await ways();
    const noDomains = way.showsDomains ? null : refuseDomains(vnf, descriptor);
    if (noDomains) throw toFailure(noDomains);
    const deadline = deadlineOf(dependencies.timing);
    const domains = await way.readDomains(failureDomainKeys(descriptor), deadline.call());
    const ofVnf = await listInventory(dependencies, { vnf, way, deadline, domains });
    const forcedDown = await way.readForcedDown(deadline.call());
    const seen = (server: ServerFound): ServerFound =>
      server.host !== null && forcedDown.has(server.host) ? { ...server, isFenced: true } : server;
    const found = match ? await matching(dependencies, { match, descriptor, way, deadline, domains }) : [];
    const matched = found.map((each) => ({ ...each, server: seen(each.server) }));
    const strangers = matched.filter(({ server }) => server.vnf === undefined);
    if (strangers.length > 0 && way.whyNoStrangers !== null) throw toFailure(refused(vnf, way.whyNoStrangers));
    const listed = new Set(ofVnf.servers.map(({ id }) => id));
    const others = strangers.map(({ server }) => server).filter(({ id }) => !listed.has(id));
    const held = new Set(others.map(({ id }) => id));
    const ports = held.size === 0 ? [] : (await neutron.listPorts(session, {}, deadline.call())).map(portFound);
    const made = adoption({
      vnf,
      descriptor,
      inventory: {
        ...ofVnf,
        servers: [...ofVnf.servers.map(seen), ...others],
        ports: [...ofVnf.ports, ...ports.filter((port) => port.vnf !== vnf && held.has(port.deviceId))],
      },
      matched,
      ...(await idsOf(dependencies, descriptor, deadline)),
    });
    if (!made.ok) throw toFailure(made.refusal);
    return made.adoption;
  };
}

async function matching(
  { session }: Dependencies,
  given: Omit<Listed, 'vnf'> & { readonly match: Match; readonly descriptor: Descriptor },
): Promise<Matched[]> {
  const { match, descriptor, way, deadline, domains } = given;
  const pools = descriptor.pools.map(({ name }) => name);
  const servers = await nova.listServers(session, {}, deadline.call());
  return servers.flatMap((server) => {
    const [first, ...orElse] = readMatch(match, server, pools);
    return first ? [{ ...first, orElse, server: serverFound(server, { way, domains }) }] : [];
  });
}

/** What the cloud does not have is InvalidRequest, as for instantiate. */
async function idsOf(
  { names }: Dependencies,
  { pools, networks }: Descriptor,
  deadline: Deadline,
): Promise<{ networkIds: Record<string, string>; imageIds: Record<string, string> }> {
  const networkIds: Record<string, string> = {};
  const imageIds: Record<string, string> = {};
  for (const [name, { network }] of Object.entries(networks))
    networkIds[name] = await names.networkId(network, deadline.call());
  for (const { image } of pools) imageIds[image] = await names.imageId(image, deadline.call());
  return { networkIds, imageIds };
}

function refused(vnf: string, why: string): ReturnType<typeof failure> {
  return failure('InvalidRequest', why, { vnf, problems: [{ path: 'match', message: why }] });
}

/** Neutron's longest description. */
const descriptionMax = 255;
const membersAtOnce = 5;

/**
 * Each tag by itself, so that a server keeps those that it has; a port's description keeps what it says, with our marks behind it.
 * Repeated it does no harm, and on members that have gone meanwhile it has no effect when tags are taken off.
 *
 * Nova has no lock. So the token, which nobody else's tags have, comes first and goes last, and is looked past before anything more is
 * put on: of two adopts that meet at a server the one that looks last sees the other, and what both would write alike is written by one.
 */
export function markMembersActivity({ session }: Dependencies): CloudActivities['markMembers'] {
  return async ({ turn, vnf, members, marked, timing }) => {
    refuseLostTurn(turn);
    const deadline = deadlineOf(timing);
    const marking = { session, vnf, members, call: (): CallOptions => deadline.call(turn.token) };
    if (marked) await putOn(marking);
    else await takeOff(marking);
  };
}

interface Marking {
  readonly session: Dependencies['session'];
  readonly vnf: string;
  readonly members: readonly Member[];
  readonly call: () => CallOptions;
}

async function putOn(marking: Marking): Promise<void> {
  const { session, vnf, members, call } = marking;
  await inParallel(members, membersAtOnce, ({ serverId, token }) =>
    nova.addTag(session, serverId, tag.token(token), call()),
  );
  const seen = await lookAt(marking);
  refuseForeign(marking, seen, (member, tags) => {
    const wanted = memberTags({ vnf, ...member });
    return ourTags(tags).filter((each) => !wanted.includes(each));
  });
  await inParallel(members, membersAtOnce, async (member) => {
    const { serverId, portIds } = member;
    const has = seen.servers.get(serverId)?.tags ?? [];
    const missing = memberTags({ vnf, ...member }).filter((each) => !has.includes(each));
    // The VNF's tag comes last: what bears it is ours with its other tags and its ports, wherever this was broken off.
    const last = tag.vnf(vnf);
    for (const each of missing.filter((one) => one !== last)) await nova.addTag(session, serverId, each, call());
    for (const id of portIds)
      await describe(marking, seen.ports.get(id), (said) => withMarks(said, { vnf, ...member }));
    if (missing.includes(last)) await nova.addTag(session, serverId, last, call());
  });
  // A worker of an earlier release, or a person, may not have looked. Who has only begun sees ours, and goes back.
  refuseForeign(marking, await lookAt(marking), (_, tags) =>
    vnfsIn(tags).flatMap((each) => (each === vnf ? [] : [tag.vnf(each)])),
  );
}

interface Seen {
  /** By id, without those that are gone. */
  readonly servers: ReadonlyMap<string, nova.Server>;
  readonly ports: ReadonlyMap<string, neutron.Port>;
}

async function lookAt({ session, members, call }: Marking): Promise<Seen> {
  const servers = new Map<string, nova.Server>();
  await inParallel(members, membersAtOnce, async ({ serverId }) => {
    const server = await nova.getServer(session, serverId, call());
    if (server) servers.set(serverId, server);
  });
  const ports = await neutron.listPorts(session, { ids: members.flatMap(({ portIds }) => portIds) }, call());
  return { servers, ports: new Map(ports.map((port) => [port.id, port])) };
}

/** What says of a member that another VNF has it: tags that `foreign` picks, and marks of its ports. */
function refuseForeign(
  { vnf, members }: Marking,
  { servers, ports }: Seen,
  foreign: (member: Member, tags: readonly string[]) => readonly string[],
): void {
  const others = new Set<string>();
  const misfits = members.flatMap((member): Misfit[] => {
    const { serverId, portIds, pool, ordinal } = member;
    const { name = serverId, tags = [] } = servers.get(serverId) ?? {};
    const strange = foreign(member, tags);
    const marks = portIds.flatMap((id) => {
      const of = readMarks(ports.get(id)?.description ?? '').vnf;
      return of === undefined || of === vnf ? [] : [{ id, of }];
    });
    for (const of of [...claimantsIn(strange), ...marks.map((each) => each.of)]) others.add(of);
    const said = [
      ...strange.map((each) => `it bears ${each}`),
      ...marks.map(({ id, of }) => `its port ${id} is ${of}'s`),
    ];
    if (said.length === 0) return [];
    return [{ kind: 'ofAnotherVnf', name, id: serverId, pool, ordinal, wrong: said.join('; '), then: 'left alone' }];
  });
  if (misfits.length === 0) return;
  const whose = others.size > 0 ? [...others].join(', ') : 'whose is not said';
  const which = misfits.map(({ name, id, wrong }) => `${name} (${id}): ${wrong}`).join('; ');
  const message = `${String(misfits.length)} of the servers that ${vnf} was to take over are another VNF's (${whose}), or are just being taken over for it: ${which}. ${vnf} takes its own tags off again. Where two adopts have met, both may go back: decide which VNF is to have them, and adopt that one once more when both have ended.`;
  const problems = [{ path: 'match', message: `it matches servers of another VNF (${whose})` }];
  throw toFailure(failure('InvalidRequest', message, { vnf, others: [...others], problems, misfits }));
}

/** What another VNF has put on as well stays its own: then only what says our name goes. The VNF's tag goes first. */
async function takeOff(marking: Marking): Promise<void> {
  const { session, vnf, members, call } = marking;
  const { servers, ports } = await lookAt(marking);
  await inParallel(members, membersAtOnce, async (member) => {
    const { serverId, portIds, token } = member;
    const tags = servers.get(serverId)?.tags ?? [];
    const ours = memberTags({ vnf, ...member });
    // Who bears our tag is ours with its other tags, and who has begun with it since then has put on no more than a token.
    const isOurs = tags.includes(tag.vnf(vnf)) && vnfsIn(tags).length === 1;
    const isShared = !isOurs && ourTags(tags).some((each) => !ours.includes(each));
    const named = [tag.vnf(vnf), tag.token(adoptedToken(vnf))];
    const going = ours.filter((each) => tags.includes(each) && (!isShared || named.includes(each))).reverse();
    const remove = async (some: readonly string[]): Promise<void> => {
      for (const each of some) await nova.removeTag(session, serverId, each, call());
    };
    await remove(going.filter((each) => each === tag.vnf(vnf)));
    for (const id of portIds)
      await describe(marking, ports.get(id), (said) => withoutMarks(said, portMarks({ vnf, token })));
    await remove(going.filter((each) => each !== tag.vnf(vnf)));
  });
}

async function describe(
  { session, call }: Marking,
  port: neutron.Port | undefined,
  wanted: (description: string) => string,
): Promise<void> {
  if (!port) return;
  const description = wanted(port.description);
  if (description !== port.description) await neutron.updatePort(session, port.id, { description }, call());
}

function withMarks(description: string, of: { readonly vnf: string; readonly token: string }): string {
  if (readMarks(description).vnf !== undefined) return description;
  const marks = portMarks(of);
  return `${description.slice(0, descriptionMax - marks.length - 1)} ${marks}`.trim();
}

function withoutMarks(description: string, marks: string): string {
  return description.endsWith(marks) ? description.slice(0, -marks.length).trim() : description;
}
