import { evacuate, reboot, switchPower } from '../computes';
import { isUp, type Server } from '../model';
import { setStatus } from '../scheduler';
import { isObject, Refusal, text, type Request, type Response } from '../routing';
import { forbidden } from './refusals';
import { serverOf, vmState } from './show';
import { microversion } from './version';

/** `POST /servers/{id}/action`. */
export function act(request: Request): Response {
  const { cloud, body, requestId } = request;
  const server = serverToChange(request);
  const [action, argument] = Object.entries(isObject(body) ? body : {})[0] ?? ['', null];
  switch (action) {
    case 'os-start':
      refuseUnless(server, { action: 'start', states: ['SHUTOFF'] });
      switchPower(cloud, server, { to: 'ACTIVE', requestId });
      return { status: 202 };
    case 'os-stop':
      refuseUnless(server, { action: 'stop', states: ['ACTIVE', 'ERROR'] });
      switchPower(cloud, server, { to: 'SHUTOFF', requestId });
      return { status: 202 };
    case 'reboot':
      refuseUnless(server, { action: 'reboot', states: ['ACTIVE', 'SHUTOFF'] });
      reboot(cloud, server, requestId);
      return { status: 202 };
    case 'os-resetState':
      resetState(request, server, isObject(argument) ? argument : {});
      return { status: 202 };
    case 'evacuate':
      return startEvacuation(request, server, isObject(argument) ? argument : {});
    default:
      throw new Refusal(400, `There is no such action: ${action}`);
  }
}

/** Only what is said of it changes: its guest runs on, and a build that is under way is given up when it is done. */
function resetState({ cloud, admin, requestId }: Request, server: Server, { state }: { state?: unknown }): void {
  if (!admin) throw forbidden('os_compute_api:os-admin-actions:reset_state');
  if (state !== 'error' && state !== 'active')
    throw new Refusal(400, `Invalid input for field/attribute state. Value: ${JSON.stringify(state)}.`);
  server.taskState = null;
  setStatus(cloud, server, state === 'error' ? 'ERROR' : 'ACTIVE', requestId);
}

/** Of what is not there it is said in other words than where it is shown. */
function serverToChange(request: Request): Server {
  try {
    return serverOf(request);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(404, `Instance ${request.params[0] ?? ''} has no mapping to a cell.`);
  }
}

function startEvacuation(request: Request, server: Server, argument: Readonly<Record<string, unknown>>): Response {
  const { cloud, admin, requestId } = request;
  if (!admin) throw forbidden('os_compute_api:os-evacuate');
  const target = text(argument['host']) ?? null;
  if (target !== null && !cloud.hosts.has(target)) throw new Refusal(404, `Compute host ${target} not found.`);
  if (target !== null && target === server.host) throw new Refusal(400, "The target host can't be the same one.");
  refuseUnless(server, { action: 'evacuate', states: ['ACTIVE', 'SHUTOFF', 'ERROR'] });
  const host = cloud.hosts.get(server.host ?? '');
  if (!host || isUp(host)) throw new Refusal(400, `Compute service of ${server.host ?? ''} is still in use.`);
  evacuate(cloud, server, { target, stopped: microversion(request) >= 95, requestId });
  // Below 2.14 the answer has a password.
  return microversion(request) >= 14 ? { status: 200 } : { status: 200, body: { adminPass: 'embedded-guest-secret' } };
}

function refuseUnless(
  server: Server,
  { action, states }: { readonly action: string; readonly states: readonly Server['status'][] },
): void {
  if (!states.includes(server.status) || server.status === 'REBUILD')
    throw new Refusal(409, `Cannot '${action}' instance ${server.id} while it is in vm_state ${vmState(server)}`);
  if (server.taskState !== null && action !== 'evacuate')
    throw new Refusal(409, `Cannot '${action}' instance ${server.id} while it is in task_state ${server.taskState}`);
}
