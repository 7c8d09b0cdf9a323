import type { Cloud, Project, Server } from '../model';
import { Refusal, route, type Request, type Response, type Route } from '../routing';
import { forbidden, forOperators } from './refusals';

/**
 * What servers used between two times: `/os-simple-tenant-usage`. Of deleted servers as many are known as are remembered.
 * In one page.
 */
export const usageRoutes: readonly Route[] = [
  route('GET', '/os-simple-tenant-usage', forOperators('os-simple-tenant-usage:list', list)),
  route('GET', '/os-simple-tenant-usage/:project', show),
];

interface Period {
  readonly start: number;
  readonly end: number;
}

interface Lived {
  readonly server: Server;
  /** Null where it lives. */
  readonly endedAt: number | null;
}

function list(request: Request): Response {
  const { cloud, query } = request;
  const period = periodOf(request);
  const detailed = query.get('detailed') === '1' || query.get('detailed')?.toLowerCase() === 'true';
  // All is in the first page.
  const projects = query.has('marker') ? [] : [...cloud.projects.values()];
  const all = projects.flatMap((project) => {
    const lived = livedIn(cloud, project, period);
    if (lived.length === 0) return [];
    const { server_usages: servers, ...total } = usageOf(cloud, { project, lived, period });
    return [detailed ? { ...total, server_usages: servers } : total];
  });
  return { status: 200, body: { tenant_usages: all } };
}

function show(request: Request): Response {
  const { cloud, params, query, project: own, admin } = request;
  if (!admin && params[0] !== own.id) throw forbidden('os_compute_api:os-simple-tenant-usage:show');
  const project = query.has('marker') ? undefined : cloud.projects.get(params[0] ?? '');
  const period = periodOf(request);
  const lived = project ? livedIn(cloud, project, period) : [];
  return {
    status: 200,
    body: { tenant_usage: project && lived.length > 0 ? usageOf(cloud, { project, lived, period }) : {} },
  };
}

/** Four weeks up to now where it is not said, as the `openstack` client asks too. */
function periodOf({ cloud, query }: Request): Period {
  const now = cloud.clock.now();
  const at = (key: string, otherwise: number): number => {
    const given = query.get(key);
    if (given === null) return otherwise;
    // Times without a zone are UTC.
    const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(given) ? given : `${given}Z`);
    if (Number.isNaN(time)) throw new Refusal(400, `Invalid start time. The format must be a date and time: ${given}`);
    return time;
  };
  const end = Math.min(at('end', now), now);
  const start = at('start', end - 28 * 24 * 3_600_000);
  if (start > end) throw new Refusal(400, 'Invalid start time. The start time cannot occur after the end time.');
  return { start, end };
}

function livedIn(cloud: Cloud, project: Project, { start, end }: Period): readonly Lived[] {
  const all: readonly Lived[] = [
    ...[...cloud.servers.values()].map((server) => ({ server, endedAt: null })),
    ...cloud.gone.map(({ server, at }) => ({ server, endedAt: at })),
  ];
  return all.filter(
    ({ server, endedAt }) =>
      server.projectId === project.id && Date.parse(server.createdAt) <= end && (endedAt === null || endedAt >= start),
  );
}

function usageOf(
  cloud: Cloud,
  { project, lived, period }: { readonly project: Project; readonly lived: readonly Lived[]; readonly period: Period },
): Record<string, unknown> {
  const each = lived.map(({ server, endedAt }) => {
    const flavor = cloud.flavors.get(server.flavorId);
    const createdAt = Date.parse(server.createdAt);
    const end = Math.min(endedAt ?? period.end, period.end);
    return {
      instance_id: server.id,
      name: server.name,
      tenant_id: project.id,
      flavor: flavor?.name ?? '',
      vcpus: flavor?.vcpus ?? 0,
      memory_mb: flavor?.ramMb ?? 0,
      local_gb: flavor?.diskGb ?? 0,
      state: endedAt === null ? server.status.toLowerCase() : 'terminated',
      started_at: timeText(createdAt),
      ended_at: endedAt === null ? null : timeText(endedAt),
      uptime: Math.floor(((endedAt ?? cloud.clock.now()) - createdAt) / 1_000),
      hours: Math.max(0, end - Math.max(createdAt, period.start)) / 3_600_000,
    };
  });
  const total = (of: (usage: (typeof each)[number]) => number): number =>
    each.reduce((sum, usage) => sum + of(usage) * usage.hours, 0);
  return {
    tenant_id: project.id,
    start: timeText(period.start),
    stop: timeText(period.end),
    total_hours: total(() => 1),
    total_vcpus_usage: total(({ vcpus }) => vcpus),
    total_memory_mb_usage: total(({ memory_mb: ram }) => ram),
    total_local_gb_usage: total(({ local_gb: disk }) => disk),
    server_usages: each,
  };
}

function timeText(time: number): string {
  return new Date(time).toISOString().replace('Z', '000');
}
