import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudConfig, Service, Session, SessionOptions } from '../../openstack';
import { connect } from '../../openstack';
import { createCloud, hostsOf, serve, type Cloud, type CloudOptions } from '../../simulator';

/** The two clouds that the client is tested against: the embedded one, and one that answers what the test says. */

export const password = 'a "secret" / with signs';

export function configOf(url: string, changes: Partial<CloudConfig> = {}): CloudConfig {
  const domain = { name: 'Default' };
  return {
    name: 'test',
    authUrl: `${url}/identity`,
    auth: {
      kind: 'password',
      user: { name: 'operator', domain },
      password: 'bulkhead-secret',
      project: { name: 'bulkhead', domain },
    },
    region: null,
    interface: 'public',
    ca: null,
    verify: true,
    ...changes,
  };
}

export interface Embedded {
  readonly cloud: Cloud;
  readonly url: string;
  readonly operator: Session;
  readonly tenant: Session;
  readonly close: () => Promise<void>;
}

export async function embedded(options: CloudOptions = {}): Promise<Embedded> {
  const cloud = createCloud({
    hosts: hostsOf({ mz: 3, dmz: 1 }),
    pace: 0.01,
    bootSeconds: [1, 2],
    latencyMs: [0, 1],
    ...options,
  });
  const { url, close } = await serve(cloud);
  const domain = { name: 'Default' };
  const tenant = configOf(url, {
    auth: {
      kind: 'password',
      user: { name: 'tenant', domain },
      password: 'tenant-secret',
      project: { name: 'tenant', domain },
    },
  });
  return { cloud, url, operator: connect(configOf(url)), tenant: connect(tenant), close };
}

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is. */
  readonly body?: unknown;
}

/** `drop`: the connection goes away without an answer. `hang`: it stays, without one. */
export type Script = (asked: Asked, nth: number) => Answer | 'drop' | 'hang' | Promise<Answer | 'drop' | 'hang'>;

export interface Scripted {
  readonly url: string;
  /** All but logins and Nova's version document, in order. */
  readonly asked: readonly Asked[];
  readonly logins: readonly Asked[];
  readonly versionReads: readonly Asked[];
  /** How many were under way at once, at most. */
  readonly mostAtOnce: () => number;
  readonly session: (options?: SessionOptions, changes?: Partial<CloudConfig>) => Session;
  readonly close: () => Promise<void>;
}

export interface ScriptedOptions {
  /** What the nth login, from 1, is answered. */
  readonly login?: (nth: number, url: string) => Answer | 'drop' | 'hang';
  readonly novaVersion?: Answer | 'drop';
}

/** A cloud whose services answer by the script, behind a Keystone and a version document that work unless told otherwise. */
export async function scripted(script: Script, options: ScriptedOptions = {}): Promise<Scripted> {
  const asked: Asked[] = [];
  const logins: Asked[] = [];
  const versionReads: Asked[] = [];
  let underWay = 0;
  let most = 0;
  let url = '';
  const answerTo = async (one: Asked): Promise<Answer | 'drop' | 'hang'> => {
    if (one.url.startsWith('/identity/')) {
      logins.push(one);
      return options.login?.(logins.length, url) ?? token(url, logins.length);
    }
    if (one.url === '/compute/v2.1/') {
      versionReads.push(one);
      return options.novaVersion ?? novaVersion('2.104');
    }
    asked.push(one);
    underWay += 1;
    most = Math.max(most, underWay);
    try {
      return await script(one, asked.length);
    } finally {
      underWay -= 1;
    }
  };
  const listener: RequestListener = (incoming, outgoing) => {
    void received(incoming)
      .then(answerTo)
      .then((answer) => {
        if (answer === 'hang') return;
        if (answer === 'drop') {
          incoming.socket.destroy();
          return;
        }
        const { status = 200, headers = {}, body } = answer;
        const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
        outgoing
          .writeHead(status, {
            'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
            'x-openstack-request-id': 'req-from-the-cloud',
            ...headers,
          })
          .end(text);
      });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    url,
    asked,
    logins,
    versionReads,
    mostAtOnce: () => most,
    session: (sessionOptions, changes) => connect(configOf(url, changes), sessionOptions),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function received(incoming: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  const { method = '', url = '', headers } = incoming;
  return { method, url, headers, body: text === '' ? undefined : JSON.parse(text) };
}

export function novaVersion(version: string): Answer {
  return { body: { version: { id: 'v2.1', status: 'CURRENT', version, min_version: '2.1' } } };
}

const paths: Readonly<Record<Service, string>> = {
  identity: '/identity',
  compute: '/compute/v2.1',
  placement: '/placement',
  network: '/networking',
  image: '/image',
  orchestration: '/orchestration',
};

export interface TokenChanges {
  /** From now, by the cloud's clock. */
  readonly lifeSeconds?: number;
  /** How far the cloud's clock is ahead of ours. */
  readonly clockAheadSeconds?: number;
  readonly endpoints?: (service: Service) => readonly { interface: string; region: string; url: string }[];
}

/** A login's good answer; the token says which login it is of. */
export function token(url: string, nth: number, changes: TokenChanges = {}): Answer {
  const { lifeSeconds = 3_600, clockAheadSeconds = 0 } = changes;
  const issued = Date.now() + clockAheadSeconds * 1_000;
  const endpoints =
    changes.endpoints ??
    ((service: Service) => [{ interface: 'public', region: 'RegionOne', url: `${url}${paths[service]}` }]);
  return {
    status: 201,
    headers: { 'X-Subject-Token': `token-${String(nth)}` },
    body: {
      token: {
        issued_at: new Date(issued).toISOString(),
        expires_at: new Date(issued + lifeSeconds * 1_000).toISOString(),
        project: { id: 'project-1', name: 'bulkhead' },
        roles: [{ id: '1', name: 'member' }],
        catalog: (Object.keys(paths) as Service[]).map((type) => ({
          type,
          endpoints: endpoints(type).map((each) => ({ ...each, region_id: each.region })),
        })),
      },
    },
  };
}

/** What the promise is rejected with. */
export async function errorFrom(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => {
      throw new Error(`was to fail, and gave ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
