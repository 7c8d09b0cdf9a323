import { Context } from '@temporalio/activity';
import { AxiosError, AxiosHeaders, type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';
import type { Activities } from '../../../activities/ports';
import { Dropped, handle, type Cloud } from '../../../simulator';

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
  readonly url: string;
  readonly activity: string;
  readonly attempt: number;
  readonly workflowId: string;
  readonly runId: string;
}

/** What befalls a request. `late`: it stays inside the cloud for so long before it has its effect. */
export type CallStrike =
  | { readonly kind: 'lost'; readonly moment: 'before' | 'after' }
  | { readonly kind: 'late'; readonly milliseconds: number }
  | { readonly kind: 'status'; readonly status: number; readonly moment: 'before' | 'after' };

export interface CloudPort {
  readonly cloud: Cloud;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly saw: (call: CloudCall, moment: 'before' | 'after') => CallStrike | undefined;
}

/** From a worker's OpenStack client straight to the cloud, without sockets. */
export function adapterOf(worker: Worker, port: CloudPort): AxiosAdapter {
  return async (config) => {
    await worker.untilRunning();
    const call = callOf(config);
    const strike = port.saw(call, 'before');
    await worker.untilRunning();
    if (strike?.kind === 'lost' && strike.moment === 'before')
      throw new AxiosError('lost on its way', 'ECONNRESET', config);
    if (strike?.kind === 'late') await port.sleep(strike.milliseconds);
    if (strike?.kind === 'status' && strike.moment === 'before') return answerOf(config, strike.status, '{}');
    const { pathname, search } = new URL(call.url);
    let answered;
    try {
      answered = await handle(port.cloud, {
        method: call.method,
        url: `${pathname}${search}`,
        headers: headersOf(config),
        body: config.data === undefined ? undefined : String(config.data),
      });
    } catch (error) {
      await worker.untilRunning();
      if (error instanceof Dropped) throw new AxiosError(error.message, 'ECONNRESET', config);
      throw error;
    }
    port.saw(call, 'after');
    await worker.untilRunning();
    if (strike?.kind === 'lost') throw new AxiosError('its answer was lost', 'ECONNRESET', config);
    if (strike?.kind === 'status') return answerOf(config, strike.status, '{}');
    return answerOf(config, answered.status, answered.body, answered.headers);
  };
}

function callOf(config: InternalAxiosRequestConfig): CloudCall {
  const { activityType = '', attempt = 1, workflowExecution } = contextInfo();
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const url = new URL(config.url ?? '', config.baseURL);
  const params = config.params as Readonly<Record<string, unknown>> | undefined;
  for (const [name, value] of Object.entries(params ?? {}))
    for (const each of Array.isArray(value) ? (value as unknown[]) : [value])
      if (each !== undefined) url.searchParams.append(name, String(each));
  const method = (config.method ?? 'get').toUpperCase();
  return { method, url: url.toString(), activity: activityType, attempt, workflowId, runId };
}

function contextInfo(): Partial<Context['info']> {
  try {
    return Context.current().info;
  } catch {
    // What the worker asks for itself: its first token, whether it sees hosts.
    return {};
  }
}

function headersOf(config: InternalAxiosRequestConfig): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(config.headers.toJSON()))
    if (value !== null && value !== undefined) headers[name.toLowerCase()] = String(value);
  return headers;
}

/** An adapter judges the status itself. */
function answerOf(
  config: InternalAxiosRequestConfig,
  status: number,
  data: string,
  headers: Readonly<Record<string, string>> = {},
): Awaited<ReturnType<AxiosAdapter>> {
  const answer = { data, status, statusText: '', headers: new AxiosHeaders(headers), config, request: {} };
  if (config.validateStatus && !config.validateStatus(status))
    throw new AxiosError(`status ${String(status)}`, 'ERR_BAD_RESPONSE', config, {}, answer);
  return answer;
}
