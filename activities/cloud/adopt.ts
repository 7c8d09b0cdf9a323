import { adoption, type Matched } from '../../domain/adopt';
import { readMatch, type Match } from '../../domain/adopt/match';
import { failureDomainKeys, type Descriptor } from '../../domain/descriptor/descriptor';
import { failure } from '../../domain/failure';
import { portMarks, readMarks, tag } from '../../domain/names';
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
    const matched = match ? await matching(dependencies, { match, way, deadline, domains }) : [];
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
        servers: [...ofVnf.servers, ...others],
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
  { match, way, deadline, domains }: Omit<Listed, 'vnf'> & { readonly match: Match },
): Promise<Matched[]> {
  const servers = await nova.listServers(session, {}, deadline.call());
  return servers.flatMap((server) => {
    const ref = readMatch(match, server);
    return ref ? [{ ...ref, server: serverFound(server, { way, domains }) }] : [];
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
 */
export function markMembersActivity({ session }: Dependencies): CloudActivities['markMembers'] {
  return async ({ turn, vnf, members, marked, timing }) => {
    refuseLostTurn(turn);
    const deadline = deadlineOf(timing);
    const call = (): CallOptions => deadline.call(turn.token);
    const ports = await neutron.listPorts(session, { ids: members.flatMap(({ portIds }) => portIds) }, call());
    const described = new Map(ports.map(({ id, description }) => [id, description]));
    const markPorts = async ({ portIds, token }: Member): Promise<void> => {
      const marks = portMarks({ vnf, token });
      for (const id of portIds) {
        const description = described.get(id);
        if (description === undefined) continue;
        const wanted = marked ? withMarks(description, marks) : withoutMarks(description, marks);
        if (wanted !== description) await neutron.updatePort(session, id, { description: wanted }, call());
      }
    };
    const setTag = async ({ serverId }: Member, each: string): Promise<void> => {
      if (marked) await nova.addTag(session, serverId, each, call());
      else await nova.removeTag(session, serverId, each, call());
    };
    await inParallel(members, membersAtOnce, async (member) => {
      const { pool, ordinal, token } = member;
      // The VNF's tag comes last, and goes first: what bears it is ours with its other tags and its ports, wherever this was broken off.
      const marks = [
        ...[tag.pool(pool), tag.ordinal(ordinal), tag.token(token)].map((each) => () => setTag(member, each)),
        () => markPorts(member),
        () => setTag(member, tag.vnf(vnf)),
      ];
      for (const mark of marked ? marks : marks.reverse()) await mark();
    });
  };
}

function withMarks(description: string, marks: string): string {
  if (readMarks(description).vnf !== undefined) return description;
  return `${description.slice(0, descriptionMax - marks.length - 1)} ${marks}`.trim();
}

function withoutMarks(description: string, marks: string): string {
  return description.endsWith(marks) ? description.slice(0, -marks.length).trim() : description;
}
