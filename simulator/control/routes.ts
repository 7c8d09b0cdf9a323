import { z } from 'zod';
import { forgetMost } from '../access';
import { migrate, setAlive } from '../computes';
import { emit, emitHost, timeOf, type Fault, type Host } from '../model';
import { takeAway } from '../outages';
import { parts } from '../parts';
import { isObject, Refusal, route, type Request, type Response, type ServiceRoutes } from '../routing';
import { setStatus } from '../scheduler';
import { accept, checked, publicationSchema } from './publications';

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
    route('GET', '/calls', calls, { open: true }),
    route('DELETE', '/calls', forgetCalls, { open: true }),
    route('POST', '/hosts/:name', changeHost, { open: true }),
    route('POST', '/servers/:name', changeServer, { open: true }),
    route('POST', '/faults', addFault, { open: true }),
    route('GET', '/faults', ({ cloud }) => ({ status: 200, body: { faults: cloud.faults } }), { open: true }),
    route('DELETE', '/faults', clearFaults, { open: true }),
    route('POST', '/services/:name', changeService, { open: true }),
    route('GET', '/services', ({ cloud }) => ({ status: 200, body: { away: [...cloud.outages.keys()] } }), {
      open: true,
    }),
    route('PUT', '/quotas', setQuota, { open: true }),
    route('POST', '/tokens/expire', expireTokens, { open: true }),
  ],
};

function publish({ cloud, body, requestId }: Request): Response {
  const publication = checked(publicationSchema, body);
  const accepted = accept(cloud.publications, publication);
  if (accepted) emit(cloud, { type: 'published', requestId, ...publication });
  return { status: 200, body: { accepted } };
}

function note({ cloud, body }: Request): Response {
  emit(cloud, { type: 'note', requestId: null, note: (isObject(body) ? body['note'] : null) ?? null });
  return { status: 200, body: {} };
}

function log({ cloud, query }: Request): Response {
  const number = (key: string, otherwise: number): number => {
    const given = query.get(key) ?? String(otherwise);
    if (!/^\d+$/.test(given)) throw new Refusal(400, `${key} is a number of at least 0`);
    return Number(given);
  };
  const after = number('after', 0);
  const limit = number('limit', 10_000);
  return { status: 200, body: { events: cloud.log.slice(after, after + limit) } };
}

function calls({ cloud: { access } }: Request): Response {
  const { count, atOnceMost, perSecondMost } = access;
  return { status: 200, body: { calls: count, atOnceMost, perSecondMost } };
}

function forgetCalls({ cloud }: Request): Response {
  forgetMost(cloud.access);
  return { status: 200, body: {} };
}

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw new Refusal(400, `${text ?? ''} is no name`);
  }
}

const hostSchema = z.strictObject({ alive: z.boolean().optional(), enabled: z.boolean().optional() });

function hostOf({ cloud, params }: Request): Host {
  const host = cloud.hosts.get(decoded(params[0]));
  if (!host) throw new Refusal(404, `there is no host ${params[0] ?? ''}`);
  return host;
}

function changeHost(request: Request): Response {
  const { cloud, body } = request;
  const host = hostOf(request);
  const { alive, enabled } = checked(hostSchema, body);
  if (alive !== undefined) setAlive(cloud, host, alive);
  if (enabled !== undefined) {
    host.enabled = enabled;
    host.disabledReason = null;
    emitHost(cloud, host, null);
  }
  return { status: 200, body: {} };
}

/** Longer than anybody waits. */
const awaySecondsMax = 3_600;
const awaySchema = z.strictObject({ awaySeconds: z.number().min(0).max(awaySecondsMax) });

function changeService({ cloud, params, body }: Request): Response {
  const asked = decoded(params[0]);
  const part = parts.find((each) => each === asked);
  if (!part) throw new Refusal(404, `there is no ${asked}; there are ${parts.join(', ')}`);
  takeAway(cloud, part, checked(awaySchema, body).awaySeconds);
  return { status: 200, body: {} };
}

const changeSchema = z.union([
  z.strictObject({ state: z.enum(['ERROR', 'SHUTOFF']) }),
  z.strictObject({ host: z.string() }),
]);

function changeServer({ cloud, params, body }: Request): Response {
  const asked = decoded(params[0]);
  const server = cloud.servers.get(asked) ?? [...cloud.servers.values()].find((each) => each.name === asked);
  if (!server) throw new Refusal(404, `there is no server ${asked}`);
  const change = checked(changeSchema, body);
  if ('host' in change) {
    const host = cloud.hosts.get(change.host);
    if (!host) throw new Refusal(404, `there is no host ${change.host}`);
    migrate(cloud, server, host);
    return { status: 200, body: { id: server.id } };
  }
  const { state } = change;
  if (state === 'ERROR') server.fault = { code: 500, message: 'killed by hand', created: timeOf(cloud) };
  setStatus(cloud, server, state);
  return { status: 200, body: { id: server.id } };
}

const patternSchema = z.string().refine((text) => {
  try {
    return new RegExp(text).test('') || true;
  } catch {
    return false;
  }
}, 'is no regular expression');

const timesSchema = z.number().int().positive().optional();

const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['status', 'drop', 'delay']),
    match: z.strictObject({
      method: z.string().optional(),
      path: patternSchema.optional(),
      requestId: z.string().optional(),
      nth: z.number().int().positive().optional(),
    }),
    moment: z.enum(['before', 'after']).optional(),
    times: timesSchema,
    status: z.number().int().min(200).max(599).optional(),
    body: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    delayMs: z.number().nonnegative().optional(),
  }),
  z.strictObject({
    kind: z.enum(['misplace', 'buildError', 'stuckBuild', 'noValidHost']),
    match: z.strictObject({ namePrefix: z.string().optional(), host: z.string().optional() }),
    times: timesSchema,
  }),
]);

function addFault({ cloud, body }: Request): Response {
  checked(faultSchema, body);
  const fault = body as Fault;
  cloud.faults.push({ fault, seen: 0, left: fault.times ?? 1 });
  return { status: 200, body: {} };
}

function clearFaults({ cloud }: Request): Response {
  cloud.faults.length = 0;
  return { status: 200, body: {} };
}

const quotaSchema = z.strictObject({
  project: z.string().default('bulkhead'),
  resource: z.string(),
  limit: z.number().int().min(-1),
});

function setQuota({ cloud, body }: Request): Response {
  const { project: name, resource, limit } = checked(quotaSchema, body);
  const project = [...cloud.projects.values()].find((each) => each.name === name || each.id === name);
  if (!project) throw new Refusal(404, `there is no project ${name}`);
  if (!project.quotas.has(resource)) throw new Refusal(400, `there is no quota of ${resource}`);
  project.quotas.set(resource, limit);
  emit(cloud, { type: 'quota', requestId: null, project: project.id, resource, limit });
  return { status: 200, body: {} };
}

function expireTokens({ cloud }: Request): Response {
  for (const token of cloud.tokens.values()) token.expiresAt = 0;
  return { status: 200, body: {} };
}
