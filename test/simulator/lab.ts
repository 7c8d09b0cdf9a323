import { createCloud, handle, hostsOf, setAlive, type Clock, type Cloud, type CloudOptions } from '../../simulator';

/** A cloud without sockets whose time passes only where a test says so: a day is over in as long as its events take. */
export interface Lab {
  readonly cloud: Cloud;
  /** Time passes until there is an answer. Whoever asks is logged in. */
  readonly ask: (asked: Asked) => Promise<Answer>;
  /** All at the same time: none waits for another's answer. */
  readonly askAll: (asked: readonly Asked[]) => Promise<Answer[]>;
  readonly pass: (seconds: number) => Promise<void>;
  /** A server as the operator sees it. */
  readonly server: (id: string) => Promise<ShownServer>;
  /** Creates a server, and waits as long as a build takes. */
  readonly launch: (given?: NewServer) => Promise<ShownServer>;
  /** Creates a port of the operator's; its id. */
  readonly port: (changes?: object) => Promise<string>;
  readonly group: (changes?: object) => Promise<string>;
  /** The body of a create, without ports. */
  readonly newServer: (given?: NewServer) => { readonly server: Record<string, unknown> };
  readonly network: (name: string) => string;
  readonly serviceOf: (host: string) => string;
  readonly project: (name: string) => string;
  readonly setQuota: (resource: string, limit: number) => Promise<Answer>;
  /** The truth; what is reported of it comes later. */
  readonly setAlive: (host: string, alive: boolean) => void;
  /** Dead, and forced down by the operator. */
  readonly strikeDown: (host: string) => Promise<void>;
  readonly addFault: (fault: object) => Promise<Answer>;
}

export type Caller = 'operator' | 'tenant' | 'other' | 'nobody';

export interface Asked {
  /** Method and path with query: `GET /compute/v2.1/servers`. */
  readonly to: string;
  readonly body?: unknown;
  /** The operator where it is not said. */
  readonly as?: Caller;
  /** Of Nova; the one of the measurements where it is not said, none where it is null. */
  readonly version?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where it is no JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface NewServer {
  readonly as?: Caller;
  readonly version?: string;
  readonly group?: string;
  readonly hints?: object;
  readonly [property: string]: unknown;
}

export interface ShownServer {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly hostId: string | null;
  readonly fault?: { readonly code: number; readonly message: string; readonly details?: string };
  readonly host_status: string;
  readonly 'OS-EXT-SRV-ATTR:host': string | null;
  readonly [property: string]: unknown;
}

export const nova = '/compute/v2.1';
export const neutron = '/networking/v2.0';

/** More than any build takes here, with all attempts. */
export const buildSeconds = 120;

interface Timer {
  readonly at: number;
  readonly call: () => void;
  isTakenBack: boolean;
}

/** Timers in the order of their times; of the same time, in the order in which they were set. */
class VirtualClock implements Clock {
  private time = Date.UTC(2026, 0, 1);
  private readonly timers: Timer[] = [];

  readonly now = (): number => this.time;

  readonly after = (milliseconds: number, call: () => void): (() => void) => {
    const timer: Timer = { at: this.time + milliseconds, call, isTakenBack: false };
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.timers[middle]?.at ?? 0) > timer.at) low = middle + 1;
      else high = middle;
    }
    // The next one is at the end.
    this.timers.splice(low, 0, timer);
    return () => {
      timer.isTakenBack = true;
    };
  };

  /** The next timer, and what follows from it. False where none is left before the end. */
  async step(end = Infinity): Promise<boolean> {
    const next = this.timers.at(-1);
    if (!next || next.at > end) {
      if (end !== Infinity) this.time = end;
      return false;
    }
    this.timers.pop();
    this.time = Math.max(this.time, next.at);
    if (!next.isTakenBack) next.call();
    await settled();
    return true;
  }
}

/** All promises that can be settled without time are. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function openLab(options: Omit<CloudOptions, 'clock'> = {}): Promise<Lab> {
  const clock = new VirtualClock();
  const cloud = createCloud({ hosts: hostsOf({ mz: 3, dmz: 1 }), clock, ...options });

  const waitFor = async <T>(promise: Promise<T>): Promise<T> => {
    const state = { isDone: false };
    const done = promise.finally(() => {
      state.isDone = true;
    });
    // Handled below, however long it takes.
    done.catch(() => undefined);
    await settled();
    while (!state.isDone) if (!(await clock.step())) throw new Error('an answer waits for nothing that will happen');
    return done;
  };

  const send = async (asked: Asked, token?: string): Promise<Answer> => {
    const [method = '', url = ''] = asked.to.split(' ');
    const { version = '2.96' } = asked;
    const { status, headers, body } = await handle(cloud, {
      method,
      url,
      headers: {
        ...(version !== null && { 'openstack-api-version': `compute ${version}` }),
        ...(token !== undefined && { 'x-auth-token': token }),
        ...asked.headers,
      },
      body: asked.body === undefined ? undefined : JSON.stringify(asked.body),
    });
    const isJson = headers['content-type'] === 'application/json' && body !== '';
    return { status, headers, body: isJson ? (JSON.parse(body) as Answer['body']) : {}, text: body };
  };

  const tokens = new Map<Caller, string>();
  for (const name of ['operator', 'tenant', 'other'] as const) {
    const { headers } = await waitFor(send(loginOf(name)));
    tokens.set(name, headers['X-Subject-Token'] ?? '');
  }

  const idOf = (items: Iterable<{ readonly id: string; readonly name: string }>, name: string): string => {
    for (const item of items) if (item.name === name) return item.id;
    throw new Error(`there is no ${name}`);
  };
  const created = (answer: Answer, key: string): string => {
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
    return (answer.body[key] as { readonly id: string } | undefined)?.id ?? '';
  };

  const lab: Lab = {
    cloud,
    ask: (asked) => waitFor(send(asked, tokens.get(asked.as ?? 'operator'))),
    askAll: (all) => waitFor(Promise.all(all.map((asked) => send(asked, tokens.get(asked.as ?? 'operator'))))),
    pass: async (seconds) => {
      const end = clock.now() + seconds * 1_000;
      await settled();
      while (await clock.step(end));
    },
    server: async (id) => {
      const { body } = await lab.ask({ to: `GET ${nova}/servers/${id}` });
      return body['server'] as ShownServer;
    },
    newServer: ({ as: _as, version: _version, group, hints, ...changes } = {}) => ({
      server: {
        name: 'a',
        flavorRef: '1',
        imageRef: idOf(cloud.images.values(), 'cirros'),
        networks: 'none',
        ...changes,
      },
      'os:scheduler_hints': { ...hints, ...(group !== undefined && { group }) },
    }),
    launch: async (given = {}) => {
      const { as, version } = given;
      const body = lab.newServer(given);
      const answer = await lab.ask({
        to: `POST ${nova}/servers`,
        body,
        ...(as && { as }),
        ...(version && { version }),
      });
      await lab.pass(buildSeconds);
      return lab.server(created(answer, 'server'));
    },
    port: async (changes = {}) => {
      const body = { port: { network_id: lab.network('mgmt'), ...changes } };
      return created(await lab.ask({ to: `POST ${neutron}/ports`, body }), 'port');
    },
    group: async (changes = {}) => {
      const body = { server_group: { name: 'g', policy: 'anti-affinity', ...changes } };
      return created(await lab.ask({ to: `POST ${nova}/os-server-groups`, body }), 'server_group');
    },
    network: (name) => idOf(cloud.networks.values(), name),
    serviceOf: (host) => cloud.hosts.get(host)?.serviceId ?? '',
    project: (name) => idOf(cloud.projects.values(), name),
    setQuota: (resource, limit) => lab.ask({ to: 'PUT /bulkhead/quotas', body: { resource, limit } }),
    setAlive: (name, alive) => {
      const host = cloud.hosts.get(name);
      if (!host) throw new Error(`there is no ${name}`);
      setAlive(cloud, host, alive);
    },
    strikeDown: async (name) => {
      lab.setAlive(name, false);
      await lab.ask({ to: `PUT ${nova}/os-services/${lab.serviceOf(name)}`, body: { forced_down: true } });
    },
    addFault: (fault) => lab.ask({ to: 'POST /bulkhead/faults', body: fault }),
  };
  return lab;
}

export function loginOf(name: 'operator' | 'tenant' | 'other', password?: string): Asked {
  const project = name === 'operator' ? 'bulkhead' : name;
  const domain = { name: 'Default' };
  const user = { name, domain, password: password ?? `${project}-secret` };
  return {
    to: 'POST /identity/v3/auth/tokens',
    body: {
      auth: {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: project, domain } },
      },
    },
  };
}

/** A request and what is answered to it. What came before is in `given`. */
export interface Row {
  readonly fact: string;
  readonly given?: (lab: Lab) => Promise<unknown>;
  readonly ask: (lab: Lab) => Asked | Promise<Asked>;
  readonly status: number;
  /** What the body has, with more beside it. */
  readonly body?: unknown;
}

/** One test for each row, each on a cloud of its own. */
export function table(rows: readonly Row[], options: Omit<CloudOptions, 'clock'> = {}): void {
  test.each(rows)('$fact', async ({ given, ask, status, body }) => {
    const lab = await openLab(options);
    await given?.(lab);
    const answer = await lab.ask(await ask(lab));
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status, ...(body !== undefined && { body }) });
  });
}

/** An error as Nova words it. */
export function novaError(status: number, message: string | RegExp): unknown {
  const keys: Readonly<Record<number, string>> = {
    400: 'badRequest',
    403: 'forbidden',
    404: 'itemNotFound',
    406: 'computeFault',
    409: 'conflictingRequest',
  };
  const said: unknown = typeof message === 'string' ? message : expect.stringMatching(message);
  return { [keys[status] ?? '']: { code: status, message: said } };
}

export function neutronError(type: string): unknown {
  return { NeutronError: { type } };
}
