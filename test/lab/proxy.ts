import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/**
 * Stands between the product and a real cloud, a server for each of its services, and knows of each call whose it is. Rules may hold
 * a call, answer in the service's place, or drop the connection; all else goes through as it is.
 */
export interface Proxy {
  /** What `auth_url` is to be. */
  readonly authUrl: string;
  /** The first rule that says something decides. Gives what takes the rule away again. */
  readonly rule: (rule: Rule) => () => void;
  /** How many calls have come. */
  readonly calls: () => number;
  /** Nobody listens there: a connection is refused, as by a service that does not run. */
  readonly close: (service: string) => Promise<void>;
  readonly open: (service: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Seen {
  readonly method: string;
  /** `identity`, `compute`, `network`, `image` or `placement`. */
  readonly service: string;
  /** Below the service's endpoint, without its query. */
  readonly path: string;
  /** The name of the server or port that is made, deleted or changed. */
  readonly name: string | undefined;
  /** What was sent, parsed. */
  readonly body: unknown;
}

export interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `after`: the cloud has done it, and its own answer is lost. */
export type Deed = ({ readonly kind: 'answer'; readonly said: Said } | { readonly kind: 'drop' }) & {
  readonly moment: 'before' | 'after';
};

/** The first such call is stopped until it is told to go on. */
export function stopAt(proxy: Proxy, is: (seen: Seen) => boolean): { reached: Promise<Seen>; goOn: () => void } {
  const gate = gateOf();
  let dropRule: () => void = () => undefined;
  const reached = new Promise<Seen>((resolve) => {
    let stopped = false;
    dropRule = proxy.rule((seen) => {
      if (stopped || !is(seen)) return undefined;
      stopped = true;
      resolve(seen);
      return gate.opened.then(() => undefined);
    });
  });
  return {
    reached,
    goOn: () => {
      gate.open();
      dropRule();
    },
  };
}

export interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

export function gateOf(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Undefined: another rule may decide. A promise holds the call until it is kept. */
export type Rule = (seen: Seen) => Promise<Deed | undefined> | undefined;

interface Front {
  readonly service: string;
  readonly target: URL;
  readonly server: Server;
  readonly port: number;
}

export async function startProxy(authUrl: string, endpoints: Readonly<Record<string, string>>): Promise<Proxy> {
  const rules: Rule[] = [];
  const fronts = new Map<string, Front>();
  const names = new Map<string, string>();
  let calls = 0;

  const frontOf = (service: string): Front => {
    const front = fronts.get(service);
    if (!front) throw new Error(`the proxy does not stand in front of ${service}`);
    return front;
  };

  const serve = async (service: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const front = frontOf(service);
    const body = await bodyOf(incoming);
    calls += 1;
    const seen = seenIn({ front, incoming, body, names });
    let deed: Deed | undefined;
    // A rule that was added while an earlier one held the call counts as well.
    for (let index = 0; !deed && index < rules.length; index++) deed = await rules[index]?.(seen);
    if (deed?.moment === 'before') {
      carryOut(deed, outgoing);
      return;
    }
    const answer = await forward(front, incoming, body);
    learn(names, answer.body, seen.name);
    if (deed) carryOut(deed, outgoing);
    else {
      const text = service === 'identity' ? throughFronts(answer.body, fronts) : answer.body;
      outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(text) });
      outgoing.end(text);
    }
  };

  const all = { ...endpoints, identity: authUrl };
  for (const [service, url] of Object.entries(all)) {
    const server = createServer((incoming, outgoing) => {
      // The service is not there, or the caller has gone: there is nobody to answer, or nothing to say.
      serve(service, incoming, outgoing).catch(() => outgoing.destroy());
    });
    fronts.set(service, { service, target: new URL(url), server, port: await listen(server, 0) });
  }

  return {
    authUrl: addressOf(frontOf('identity'), authUrl),
    rule: (rule) => {
      rules.push(rule);
      return () => {
        rules.splice(rules.indexOf(rule), 1);
      };
    },
    calls: () => calls,
    close: (service) => close(frontOf(service).server),
    open: async (service) => {
      const { server, port } = frontOf(service);
      await listen(server, port);
    },
    stop: async () => {
      await Promise.all([...fronts.values()].map(({ server }) => close(server)));
    },
  };
}

const login = z.looseObject({
  token: z.looseObject({
    catalog: z.array(z.looseObject({ type: z.string(), endpoints: z.array(z.looseObject({ url: z.string() })) })),
  }),
});

/** A catalog names the proxy in the place of each service that it stands in front of. */
function throughFronts(answer: Buffer, fronts: ReadonlyMap<string, Front>): Buffer | string {
  const { data } = login.safeParse(parsed(answer));
  if (!data) return answer;
  for (const { type, endpoints } of data.token.catalog) {
    const front = fronts.get(type);
    if (front) for (const endpoint of endpoints) endpoint.url = addressOf(front, endpoint.url);
  }
  return JSON.stringify(data);
}

function addressOf({ target, port }: Front, url: string): string {
  return url.replace(target.origin, `http://127.0.0.1:${String(port)}`);
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Calls that are under way are let end; connections that only wait for a next call are cut. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeIdleConnections();
  await Promise.resolve();
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

async function forward({ target }: Front, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { connection: _connection, 'accept-encoding': _encoding, ...headers } = incoming.headers;
  const sent = request({
    host: target.hostname,
    port: target.port,
    method: incoming.method,
    path: incoming.url,
    headers: { ...headers, host: target.host },
    agent: false,
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const { connection: _answered, 'transfer-encoding': _transfer, 'content-length': _length, ...rest } = answer.headers;
  return { status: answer.statusCode ?? 502, headers: rest, body: await bodyOf(answer) };
}

function carryOut(deed: Deed, outgoing: ServerResponse): void {
  if (deed.kind === 'drop') {
    outgoing.destroy();
    return;
  }
  const { status, headers, body } = deed.said;
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
}

function seenIn(of: {
  front: Front;
  incoming: IncomingMessage;
  body: Buffer;
  names: ReadonlyMap<string, string>;
}): Seen {
  const { incoming, names } = of;
  const { service, target } = of.front;
  const root = target.pathname.replace(/\/+$/, '');
  const path = (incoming.url ?? '').split('?')[0]?.slice(root.length) ?? '';
  const body = parsed(of.body);
  const id = path.split('/').find((part) => names.has(part));
  const made = id === undefined ? named(body)[0]?.name : names.get(id);
  return { method: incoming.method ?? '', service, path: path.replace(/^\/v[0-9.]+/, ''), name: made, body };
}

/** Whose an id is, from whatever the cloud has said of it. Nova answers a create with an id alone: the name is what was asked for. */
function learn(names: Map<string, string>, answer: Buffer, asked: string | undefined): void {
  for (const { id, name = asked } of named(parsed(answer)))
    if (id !== undefined && name !== undefined && name !== '') names.set(id, name);
}

interface Named {
  readonly id?: string;
  readonly name?: string;
}

/** `{"server": {…}}`, `{"servers": […]}`, `{"port": {…}}`, `{"ports": […]}`, `{"security_group": {…}}`. */
function named(body: unknown): Named[] {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]: [string, unknown]) => {
    if (!/^(server|port|security_group)s?$/.test(key)) return [];
    const several: unknown[] = Array.isArray(value) ? value : [value];
    return several.map((each) => each as Named);
  });
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
