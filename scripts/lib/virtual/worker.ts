import { Context } from '@temporalio/activity';
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

/** Where the cloud is, as far as its clients know. */
export const origin = 'http://127.0.0.1';

/** One request to the cloud, and whose it is. */
export interface CloudCall {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
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
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly moment: 'before' | 'after';
      /** Such as `Retry-After`. */
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface CloudPort {
  readonly cloud: Cloud;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Whether answers are written and read as on a socket, or handed over as they are: the client makes its own of what it reads. */
  readonly writes: boolean;
  readonly saw: (call: CloudCall, moment: CallMoment) => CallStrike | undefined;
}

/** No answer came. */
class Lost extends Error {
  readonly code = 'ECONNRESET';
}

/** What befalls a worker's request on its way to the cloud and back. */
async function carried(worker: Worker, port: CloudPort, asked: RawRequest): Promise<Reply> {
  // Nothing leaves at once: whoever has begun the activity is to know of it first.
  await worker.untilRunning();
  const call = callOf(asked);
  const strike = port.saw(call, 'before');
  if (!worker.isHeard()) await worker.untilRunning();
  if (strike?.kind === 'lost' && strike.moment === 'before') throw new Lost('lost on its way');
  if (strike?.kind === 'late') await port.sleep(strike.milliseconds);
  if (strike?.kind === 'status' && strike.moment === 'before') return refusal(strike);
  port.saw(call, 'arrives');
  let answered;
  try {
    answered = await replyTo(port.cloud, asked);
  } catch (error) {
    await worker.untilRunning();
    throw error instanceof Dropped ? new Lost(error.message) : error;
  }
  const isLost = port.saw(call, 'after')?.kind === 'lost' || strike?.kind === 'lost';
  if (!worker.isHeard()) await worker.untilRunning();
  if (isLost) throw new Lost('its answer was lost');
  return strike?.kind === 'status' ? refusal(strike) : answered;
}

function refusal({ status, headers = {} }: Extract<CallStrike, { kind: 'status' }>): Reply {
  return { status, headers, body: {} };
}

/** From a worker straight to the cloud, without sockets. */
export function wireOf(worker: Worker, port: CloudPort): Wire {
  return async ({ method, url, headers, body }) => {
    const answer = await carried(worker, port, {
      method,
      url: belowOrigin(url),
      headers: {
        ...lowerCased(headers),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = (): string => written(answer.body);
    const answerHeaders = lowerCased(answer.headers);
    return {
      status: answer.status,
      header: (name) => answerHeaders[name],
      text,
      json: () => {
        if (typeof answer.body !== 'object') return undefined;
        return port.writes ? (JSON.parse(text()) as unknown) : answer.body;
      },
    };
  };
}

/** The same for who bounds a call by its signal alone: as on a socket it gets no answer then, while the cloud goes on with it. */
export function boundedWireOf(worker: Worker, port: CloudPort): Wire {
  const wire = wireOf(worker, port);
  return (request) =>
    new Promise((resolve, reject) => {
      request.signal.addEventListener('abort', () => {
        reject(new Lost('no answer in time'));
      });
      wire(request).then(resolve, reject);
    });
}

/** Path and query. */
function belowOrigin(url: string): string {
  if (!url.startsWith(`${origin}/`)) throw new Error(`${url} is not the embedded cloud's`);
  return url.slice(origin.length);
}

function callOf({ method, url, headers }: RawRequest): CloudCall {
  const { activityType = '', activityId = '', attempt = 1, workflowExecution } = contextInfo();
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const [path = ''] = url.split('?', 1);
  const requestId = headers['x-openstack-request-id'];
  return { method, path, activity: activityType, attempt, workflowId, runId, activityId, requestId };
}

function contextInfo(): Partial<Context['info']> {
  try {
    return Context.current().info;
  } catch {
    // What the worker asks for itself: its first token, whether it sees hosts.
    return {};
  }
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const name of Object.keys(headers)) lower[lowerCase(name)] = headers[name] ?? '';
  return lower;
}

/** There are some twenty names, and each call has most of them. */
const lowerNames = new Map<string, string>();

function lowerCase(name: string): string {
  const known = lowerNames.get(name) ?? name.toLowerCase();
  lowerNames.set(name, known);
  return known;
}
