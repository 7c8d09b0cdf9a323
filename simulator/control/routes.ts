import { setAlive } from '../computes';
import { emit, emitHost, timeOf, type Fault } from '../model';
import { Refusal, route, text, type Request, type Response, type ServiceRoutes } from '../routing';
import { setStatus } from '../scheduler';

/**
 * What no OpenStack has: where it is published who serves, what fate does, and the event log. Without a token: the cloud
 * listens on loopback only.
 */
export const control: ServiceRoutes = {
  prefix: '/bulkhead',
  error: (status, message) => ({ error: { code: status, message } }),
  routes: [
    route('POST', '/publications', publish, { open: true }),
    route(
      'GET',
      '/publications',
      ({ cloud }) => ({ status: 200, body: { publications: Object.fromEntries(cloud.publications) } }),
      { open: true },
    ),
    route('POST', '/notes', note, { open: true }),
    route('GET', '/log', log, { open: true }),
    route('GET', '/calls', ({ cloud }) => ({ status: 200, body: { calls: cloud.calls } }), { open: true }),
    route('POST', '/hosts/:name', changeHost, { open: true }),
    route('POST', '/servers/:name', changeServer, { open: true }),
    route('POST', '/faults', addFault, { open: true }),
    route('GET', '/faults', ({ cloud }) => ({ status: 200, body: { faults: cloud.faults } }), { open: true }),
    route('DELETE', '/faults', clearFaults, { open: true }),
    route('PUT', '/quotas', setQuota, { open: true }),
    route('POST', '/tokens/expire', expireTokens, { open: true }),
  ],
};

/** A lower or equal pair of revision and stage is answered and ignored: a repeat or a late one does no harm. */
function publish({ cloud, body, requestId }: Request): Response {
  const { vnf, revision, stage, service } = body as {
    vnf: string;
    revision: number;
    stage: 1 | 2;
    service: Record<string, string[]>;
  };
  const last = cloud.publications.get(vnf);
  const newer = !last || revision > last.revision || (revision === last.revision && stage > last.stage);
  if (newer) {
    cloud.publications.set(vnf, { revision, stage, service });
    emit(cloud, { type: 'published', requestId, vnf, revision, stage, service });
  }
  return { status: 200, body: { accepted: newer } };
}

function note({ cloud, body }: Request): Response {
  emit(cloud, { type: 'note', requestId: null, note: (body as { note?: unknown }).note ?? null });
  return { status: 200, body: {} };
}

function log({ cloud, query }: Request): Response {
  const after = Number(query.get('after') ?? 0);
  const limit = Number(query.get('limit') ?? 10_000);
  return { status: 200, body: { events: cloud.log.slice(after, after + limit) } };
}

function changeHost({ cloud, params, body }: Request): Response {
  const host = cloud.hosts.get(decodeURIComponent(params[0] ?? ''));
  if (!host) throw new Refusal(404, `there is no host ${params[0] ?? ''}`);
  const { alive, enabled } = body as { alive?: boolean; enabled?: boolean };
  if (alive !== undefined) setAlive(cloud, host, alive);
  if (enabled !== undefined) {
    host.enabled = enabled;
    host.disabledReason = null;
    emitHost(cloud, host, null);
  }
  return { status: 200, body: {} };
}

function changeServer({ cloud, params, body }: Request): Response {
  const asked = decodeURIComponent(params[0] ?? '');
  const server = cloud.servers.get(asked) ?? [...cloud.servers.values()].find((each) => each.name === asked);
  if (!server) throw new Refusal(404, `there is no server ${asked}`);
  const state = text((body as Record<string, unknown>)['state']);
  if (state !== 'ERROR' && state !== 'SHUTOFF') throw new Refusal(400, 'state is ERROR or SHUTOFF');
  if (state === 'ERROR') server.fault = { code: 500, message: 'killed by hand', created: timeOf(cloud) };
  setStatus(cloud, server, state);
  return { status: 200, body: { id: server.id } };
}

function addFault({ cloud, body }: Request): Response {
  const fault = body as Fault;
  cloud.faults.push({ fault, seen: 0, left: fault.times ?? 1 });
  return { status: 200, body: {} };
}

function clearFaults({ cloud }: Request): Response {
  cloud.faults.length = 0;
  return { status: 200, body: {} };
}

function setQuota({ cloud, body }: Request): Response {
  const { project: name = 'bulkhead', resource, limit } = body as { project?: string; resource: string; limit: number };
  const project = [...cloud.projects.values()].find((each) => each.name === name || each.id === name);
  if (!project) throw new Refusal(404, `there is no project ${name}`);
  project.quotas.set(resource, limit);
  emit(cloud, { type: 'quota', requestId: null, project: project.id, resource, limit });
  return { status: 200, body: {} };
}

function expireTokens({ cloud }: Request): Response {
  for (const token of cloud.tokens.values()) token.expiresAt = 0;
  return { status: 200, body: {} };
}
