import { z } from 'zod';
import type { GroupSaid, PortSaid, ServerGroupSaid, ServerSaid, ServerState } from './sightings';

/**
 * Nova's versioned notifications and Neutron's, as oslo.messaging's `log` driver writes them: a line each, either the JSON alone or
 * behind what oslo.log puts before it. https://docs.openstack.org/nova/latest/admin/notifications.html
 */

export type Notice =
  | { readonly kind: 'server'; readonly at: number; readonly said: ServerSaid }
  | { readonly kind: 'ports'; readonly ports: readonly PortSaid[] }
  | { readonly kind: 'portGone'; readonly id: string; readonly requestId: string | null }
  | { readonly kind: 'group'; readonly group: GroupSaid }
  | { readonly kind: 'groupGone'; readonly id: string; readonly requestId: string | null }
  | { readonly kind: 'serverGroup'; readonly group: ServerGroupSaid }
  | { readonly kind: 'serverGroupGone'; readonly id: string; readonly requestId: string | null };

const lineSchema = z.object({
  event_type: z.string(),
  timestamp: z.string(),
  payload: z.unknown(),
  /** Beside the notification where whoever writes it knows the context. */
  global_request_id: z.string().nullish(),
});

/** Undefined for a line that is none, or says nothing that is of interest here. */
export function readNotice(line: string): { readonly at: number; readonly notice: Notice } | undefined {
  const start = line.indexOf('{"');
  if (start === -1 || !line.includes('"event_type"')) return undefined;
  const parsed = lineSchema.safeParse(jsonOf(line.slice(start)));
  if (!parsed.success) return undefined;
  const { event_type: type, timestamp, payload, global_request_id: global } = parsed.data;
  const at = momentOf(timestamp);
  // oslo.log has it first in its brackets: `[req-<global> req-<own> user project …]`.
  const requestId = global ?? /\[(req-\S+) req-/.exec(line.slice(0, start))?.[1] ?? null;
  const notice = noticeOf(type, payload, { at, requestId });
  return notice && { at, notice };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Microseconds: Nova's clock has them, and two notifications of a server are often within one millisecond. */
function momentOf(timestamp: string): number {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(timestamp) ?? [];
  return Date.parse(`${seconds.replace(' ', 'T')}Z`) * 1_000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

interface Of {
  readonly at: number;
  readonly requestId: string | null;
}

function noticeOf(type: string, payload: unknown, of: Of): Notice | undefined {
  if (type.startsWith('instance.')) return instanceNotice(type, payload, of);
  switch (type) {
    case 'scheduler.select_destinations.start':
      return wishNotice(payload, of);
    case 'server_group.create': {
      const group = serverGroupSchema.safeParse(payload).data?.['nova_object.data'];
      return group && { kind: 'serverGroup', group: { id: group.uuid, name: group.name, requestId: of.requestId } };
    }
    case 'server_group.delete': {
      const group = serverGroupSchema.safeParse(payload).data?.['nova_object.data'];
      return group && { kind: 'serverGroupGone', id: group.uuid, requestId: of.requestId };
    }
    case 'port.create.end':
      return portsNotice(payload, of);
    case 'port.delete.end': {
      const id = z.object({ port_id: z.string() }).safeParse(payload).data?.port_id;
      return id === undefined ? undefined : { kind: 'portGone', id, requestId: of.requestId };
    }
    case 'security_group.create.end': {
      const group = groupSchema.safeParse(payload).data?.security_group;
      return group && { kind: 'group', group: { ...group, requestId: of.requestId } };
    }
    case 'security_group.delete.end': {
      const id = z.object({ security_group_id: z.string() }).safeParse(payload).data?.security_group_id;
      return id === undefined ? undefined : { kind: 'groupGone', id, requestId: of.requestId };
    }
    default:
      return undefined;
  }
}

const serverGroupSchema = z.object({ 'nova_object.data': z.object({ uuid: z.string(), name: z.string() }) });

const groupSchema = z.object({
  security_group: z.object({ id: z.string(), name: z.string(), description: z.string().default('') }),
});

const instanceSchema = z.object({
  'nova_object.data': z.object({
    uuid: z.string(),
    tenant_id: z.string().nullish(),
    display_name: z.string().nullish(),
    host: z.string().nullish(),
    state: z.string().nullish(),
    task_state: z.string().nullish(),
    availability_zone: z.string().nullish(),
    tags: z.array(z.string()).nullish(),
    flavor: z.object({ 'nova_object.data': z.object({ name: z.string() }) }).nullish(),
    fault: z.object({ 'nova_object.data': z.object({ exception_message: z.string() }) }).nullish(),
  }),
});

function instanceNotice(type: string, payload: unknown, { at, requestId }: Of): Notice | undefined {
  const parsed = instanceSchema.safeParse(payload);
  if (!parsed.success) return undefined;
  const { 'nova_object.data': data } = parsed.data;
  const state = stateOf(data.state ?? '', data.task_state ?? null);
  const said: ServerSaid = {
    id: data.uuid,
    ...(typeof data.display_name === 'string' && { name: data.display_name }),
    ...(typeof data.tenant_id === 'string' && { project: data.tenant_id }),
    ...(data.flavor && { flavor: data.flavor['nova_object.data'].name }),
    ...(data.tags && { tags: data.tags }),
    ...(typeof data.availability_zone === 'string' && { zone: data.availability_zone }),
    ...(data.host !== undefined && { host: data.host }),
    ...(state !== undefined && { state }),
    fault: data.fault?.['nova_object.data'].exception_message ?? null,
    gone: type === 'instance.delete.end',
    requestId,
  };
  return { kind: 'server', at, said };
}

/** What the API would show. Undefined while it is about to be gone: that is said by the end of the deletion. */
export function stateOf(state: string, taskState: string | null): ServerState | undefined {
  if (taskState?.startsWith('rebuild') === true) return 'REBUILD';
  switch (state) {
    case 'building':
      return 'BUILD';
    case 'active':
      return 'ACTIVE';
    case 'error':
      return 'ERROR';
    case 'deleted':
    case 'soft-delete':
    case '':
      return undefined;
    default:
      // Off, paused, suspended, shelved, rescued, resized: it does not serve.
      return 'SHUTOFF';
  }
}

const wishSchema = z.object({
  'nova_object.data': z.object({
    instance_uuid: z.string(),
    project_id: z.string().nullish(),
    availability_zone: z.string().nullish(),
    flavor: z.object({ 'nova_object.data': z.object({ name: z.string() }) }).nullish(),
    requested_destination: z.object({ 'nova_object.data': z.object({ host: z.string().nullish() }) }).nullish(),
  }),
});

/** Where a server was asked to be is said by the scheduler alone. */
function wishNotice(payload: unknown, { at, requestId }: Of): Notice | undefined {
  const parsed = wishSchema.safeParse(payload);
  if (!parsed.success) return undefined;
  const { 'nova_object.data': data } = parsed.data;
  const said: ServerSaid = {
    id: data.instance_uuid,
    ...(typeof data.project_id === 'string' && { project: data.project_id }),
    ...(data.flavor && { flavor: data.flavor['nova_object.data'].name }),
    zone: data.availability_zone ?? null,
    requestedHost: data.requested_destination?.['nova_object.data'].host ?? null,
    requestId,
  };
  return { kind: 'server', at, said };
}

const portSchema = z.object({
  id: z.string(),
  name: z.string(),
  network_id: z.string(),
  description: z.string().default(''),
  fixed_ips: z.array(z.object({ ip_address: z.string() })).default([]),
});

function portsNotice(payload: unknown, { requestId }: Of): Notice | undefined {
  const parsed = z.union([z.object({ port: portSchema }), z.object({ ports: z.array(portSchema) })]).safeParse(payload);
  if (!parsed.success) return undefined;
  const made = 'port' in parsed.data ? [parsed.data.port] : parsed.data.ports;
  const ports = made.map(({ id, name, network_id: network, description, fixed_ips: [first] }): PortSaid => {
    return { id, name, network, description, address: first?.ip_address ?? '', requestId };
  });
  return { kind: 'ports', ports };
}
