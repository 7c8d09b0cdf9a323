import { Context } from '@temporalio/activity';
import { AxiosError, AxiosHeaders, type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import type { Activities } from '../../../activities/ports';
import type { Wire } from '../../../openstack';
import { Dropped, replyTo, written, type Cloud, type RawRequest, type Reply } from '../../../simulator';

/**
 * A worker process, as far as others can tell: it performs activities, which call the cloud. Killed, nothing of it is ever heard again,
 * and what it has sent by then has its effect all the same; stopped, it stands still, and goes on later where it was.
 */
export class Worker {
  #state: 'running' | 'stopped' | 'dead' = 'running';
  #waiting: (() => void)[] = [];
  #onDeath: (() => void)[] = [];
  readonly #activities: () => Activities;

  constructor(activities: () => Activities) {
    this.#activities = activities;
  }

  isDead(): boolean {
    return this.#state === 'dead';
  }

  /** Whether the server hears what it says now. */
  isHeard(): boolean {
    return this.#state === 'running';
  }

  onDeath(call: () => void): void {
    this.#onDeath.push(call);
  }

  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#waiting = [];
    for (const call of this.#onDeath.splice(0)) call();
  }

  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped';
  }

  goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    for (const call of this.#waiting.splice(0)) call();
  }

  /** Now, when it runs again, or never. */
  whenRunning(call: () => void): void {
    if (this.#state === 'running') call();
    else if (this.#state === 'stopped') this.#waiting.push(call);
  }

  untilRunning(): Promise<void> {
    return new Promise((resolve) => {
      this.whenRunning(resolve);
    });
  }

  async perform(name: string, input: unknown): Promise<unknown> {
    const activity = (
      this.#activities() as unknown as Readonly<Record<string, ((input: unknown) => unknown) | undefined>>
    )[name];
    if (!activity) throw new Error(`there is no activity ${name}`);
    return await activity(input);
  }
}

/** One request to the cloud, and whose it is. */
export interface CloudCall {
  readonly method: string;
  readonly url: URL;
  readonly activity: string;
  readonly attempt: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
  readonly requestId: string | undefined;
}

/** When a call is seen: as it is sent, as the cloud takes it up, and as its answer is there. */
export type CallMoment = 'before' | 'arrives' | 'after';

/** What befalls a request. `late`: it stays inside the cloud for so long before it has its effect. */
export type CallStrike =
  | { readonly kind: 'lost'; readonly moment: 'before' | 'after' }
  | { readonly kind: 'late'; readonly milliseconds: number }
  | { readonly kind: 'status'; readonly status: number; readonly moment: 'before' | 'after' };

export interface CloudPort {
  readonly cloud: Cloud;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Whether answers are written and read as on a socket, or handed over as they are: the client makes its own of what it reads. */
  readonly writes: boolean;
  readonly saw: (call: CloudCall, moment: CallMoment) => CallStrike | undefined;
}

/** No answer came, by whatever way it was asked for. */
class Lost extends Error {
  readonly code = 'ECONNRESET';
}

type Asked = Omit<RawRequest, 'url'> & { readonly url: URL };

/** What befalls a worker's request on its way to the cloud and back. */
async function carried(worker: Worker, port: CloudPort, asked: Asked): Promise<Reply> {
  await worker.untilRunning();
  const strike = port.saw(callOf(asked), 'before');
  await worker.untilRunning();
  if (strike?.kind === 'lost' && strike.moment === 'before') throw new Lost('lost on its way');
  if (strike?.kind === 'late') await port.sleep(strike.milliseconds);
  if (strike?.kind === 'status' && strike.moment === 'before') return { status: strike.status, headers: {}, body: {} };
  port.saw(callOf(asked), 'arrives');
  const { url, ...rest } = asked;
  let answered;
  try {
    answered = await replyTo(port.cloud, { ...rest, url: `${url.pathname}${url.search}` });
  } catch (error) {
    await worker.untilRunning();
    throw error instanceof Dropped ? new Lost(error.message) : error;
  }
  port.saw(callOf(asked), 'after');
  await worker.untilRunning();
  if (strike?.kind === 'lost') throw new Lost('its answer was lost');
  return strike?.kind === 'status' ? { status: strike.status, headers: {}, body: {} } : answered;
}

/** From a worker's OpenStack client straight to the cloud, without sockets. */
export function wireOf(worker: Worker, port: CloudPort): Wire {
  return async ({ method, url, headers, body }) => {
    const answer = await carried(worker, port, {
      method,
      url: new URL(url),
      headers: {
        ...lowerCased(Object.entries(headers)),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = (): string => written(answer.body);
    return {
      status: answer.status,
      header: (name) => lowerCased(Object.entries(answer.headers))[name],
      text,
      json: () => {
        if (typeof answer.body !== 'object') return undefined;
        return port.writes ? (JSON.parse(text()) as unknown) : answer.body;
      },
    };
  };
}

/** The same for what speaks to the cloud by axios itself. */
export function adapterOf(worker: Worker, port: CloudPort): AxiosAdapter {
  return async (config) => {
    try {
      const { status, headers, body } = await carried(worker, port, {
        method: (config.method ?? 'get').toUpperCase(),
        url: new URL(config.url ?? '', config.baseURL),
        headers: lowerCased(Object.entries(config.headers.toJSON())),
        // As axios has written it by now.
        body: config.data as string | undefined,
      });
      return answerOf(config, status, written(body), headers);
    } catch (error) {
      throw error instanceof Lost ? new AxiosError(error.message, error.code, config) : error;
    }
  };
}

function callOf({ method, url, headers }: Asked): CloudCall {
  const { activityType = '', activityId = '', attempt = 1, workflowExecution } = contextInfo();
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const requestId = headers['x-openstack-request-id'];
  return { method, url, activity: activityType, attempt, workflowId, runId, activityId, requestId };
}

function contextInfo(): Partial<Context['info']> {
  try {
    return Context.current().info;
  } catch {
    // What the worker asks for itself: its first token, whether it sees hosts.
    return {};
  }
}

function lowerCased(headers: readonly (readonly [string, unknown])[]): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const [name, value] of headers) lower[name.toLowerCase()] = String(value);
  return lower;
}

/** An adapter judges the status itself. */
function answerOf(
  config: InternalAxiosRequestConfig,
  status: number,
  data: string,
  headers: Readonly<Record<string, string>>,
): Awaited<ReturnType<AxiosAdapter>> {
  const answer = { data, status, statusText: '', headers: new AxiosHeaders(headers), config, request: {} };
  if (config.validateStatus && !config.validateStatus(status))
    throw new AxiosError(`status ${String(status)}`, 'ERR_BAD_RESPONSE', config, {}, answer);
  return answer;
}
