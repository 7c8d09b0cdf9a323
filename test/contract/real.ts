import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AxiosHeaders, isAxiosError, type AxiosInstance } from 'axios';
import { loadCloudConfig, type CloudConfig } from '../../openstack';
import { httpClient, withoutType } from '../../openstack/wire';
import { endpointOf } from '../../openstack/keystone/catalog';
import { authRequest, tokenSchema, type TokenBody } from '../../openstack/keystone/tokens';
import {
  headersOf,
  parsed,
  targetOf,
  type Answer,
  type Asked,
  type Caller,
  type CloudUnderTest,
  type Lever,
  type Part,
  type Service,
} from './cloud';

/** A cloud of a clouds.yaml, and the lab's own levers where its program is named. */
export interface RealOptions {
  readonly operator: string;
  readonly tenant: string;
  /** The program that stops and starts parts of the lab: `scripts/lab`. */
  readonly lab: string | undefined;
}

/** Null where the embedded cloud is meant. */
export function realOptions(env: NodeJS.ProcessEnv): RealOptions | null {
  const operator = env['BULKHEAD_CONTRACT_CLOUD'];
  if (operator === undefined || operator === '') return null;
  return {
    operator,
    tenant: env['BULKHEAD_CONTRACT_TENANT'] ?? operator.replace(/operator$/, 'tenant'),
    lab: env['BULKHEAD_CONTRACT_LAB'],
  };
}

export function leversOf({ lab }: RealOptions): ReadonlySet<Lever> {
  return new Set(['several', ...(lab === undefined ? [] : (['hosts', 'services'] as const))] as const);
}

interface Login {
  readonly http: AxiosInstance;
  readonly config: CloudConfig;
  readonly secret: string;
  readonly token: TokenBody & { readonly user: string };
}

export async function openReal(options: RealOptions): Promise<CloudUnderTest> {
  const operator = await loggedIn(loadCloudConfig(process.env, { cloud: options.operator }));
  const tenant = await loggedIn(loadCloudConfig(process.env, { cloud: options.tenant }));
  const { guest, close } = await makeGuest(operator, tenant);
  const logins: Readonly<Record<Caller, Login>> = { operator, tenant, guest };
  const ask = (asked: Asked): Promise<Answer> => {
    const { as = 'tenant' } = asked;
    return as === 'nobody' ? request({ ...operator, secret: '' }, asked) : request(logins[as], asked);
  };
  return {
    name: options.operator,
    ask,
    askAll: (all) => Promise.all(all.map(ask)),
    pass: async (seconds) => {
      await setTimeout(seconds * 1_000);
    },
    now: () => Date.now() / 1_000,
    projectOf: (as) => logins[as].token.project?.id ?? '',
    userOf: (as) => logins[as].token.user,
    host: (name) => ({
      fail: () => pull(options, 'host-fail', name),
      recover: () => pull(options, 'host-recover', name),
    }),
    service: (name) => serviceLever(options, name),
    close,
  };
}

async function pull({ lab }: RealOptions, verb: string, name: string): Promise<void> {
  if (lab === undefined) throw new Error('name the program of the lab in BULKHEAD_CONTRACT_LAB');
  await promisify(execFile)(lab, [verb, name]);
}

const returns = new Map<Part, Promise<void>>();

function serviceLever(options: RealOptions, name: Part): ReturnType<CloudUnderTest['service']> {
  return {
    away: async (seconds) => {
      await pull(options, 'stop', name);
      const back = setTimeout(seconds * 1_000).then(() => pull(options, 'start', name));
      // Whoever waits for it hears of what went wrong.
      back.catch(() => undefined);
      returns.set(name, back);
    },
    back: async () => {
      await returns.get(name);
      returns.delete(name);
    },
  };
}

async function loggedIn(config: CloudConfig): Promise<Login> {
  const http = httpClient(config);
  const url = `${config.authUrl}/v3/auth/tokens`;
  const { status, data, headers } = await http.post<string>(url, authRequest(config.auth));
  const secret = AxiosHeaders.from(headers as InstanceType<typeof AxiosHeaders>).get('x-subject-token');
  if (status !== 201 || typeof secret !== 'string') throw new Error(`${config.name}: login: ${String(status)}`);
  const body = parsed(data);
  const { user } = body['token'] as { readonly user: { readonly id: string } };
  return { http, config, secret, token: { ...tokenSchema.parse(body).token, user: user.id } };
}

/** Longer than Nova itself waits for any other service. */
const answerMs = 120_000;

async function request({ http, config, secret, token }: Login, asked: Asked): Promise<Answer> {
  const { method, service, path } = targetOf(asked);
  const began = Date.now();
  const seconds = (): number => (Date.now() - began) / 1_000;
  try {
    const { status, data, headers } = await http.request<string>({
      method,
      url: `${rootOf(config, token, service)}${path}`,
      headers: {
        ...(secret !== '' && { 'x-auth-token': secret }),
        ...(asked.body === undefined && withoutType),
        ...headersOf(asked, service),
      },
      ...(asked.body !== undefined && { data: asked.body }),
      timeout: answerMs,
    });
    return { status, headers: flat(headers), body: parsed(data), text: data, seconds: seconds() };
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    return { status: 0, headers: {}, body: {}, text: error.code ?? error.message, seconds: seconds() };
  }
}

function flat(headers: unknown): Record<string, string> {
  const all = AxiosHeaders.from(headers as InstanceType<typeof AxiosHeaders>).toJSON();
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function rootOf(config: CloudConfig, token: TokenBody, service: Service): string {
  return service === 'identity' ? `${config.authUrl}/v3` : endpointOf(config, token, service);
}

interface Guest {
  readonly guest: Login;
  readonly close: () => Promise<void>;
}

/** A project of the suite's own, which sees the tenant's networks; it goes with the suite. */
async function makeGuest(operator: Login, tenant: Login): Promise<Guest> {
  const name = `contract-${randomBytes(4).toString('hex')}`;
  const undo: string[] = [];
  const close = async (): Promise<void> => {
    for (const to of undo.reverse()) await request(operator, { to: `DELETE ${to}` });
  };
  const make = async (at: string, key: string, given: object): Promise<string> => {
    const { status, body, text } = await request(operator, { to: `POST ${at}`, body: { [key]: given } });
    if (status !== 201) throw new Error(`POST ${at}: ${text}`);
    const { id } = body[key] as { readonly id: string };
    undo.push(`${at}/${id}`);
    return id;
  };
  try {
    const project = await make('identity/projects', 'project', { name, domain_id: 'default' });
    const user = await make('identity/users', 'user', { name, password: name, domain_id: 'default' });
    const roles = await request(operator, { to: 'GET identity/roles?name=member' });
    const [role] = roles.body['roles'] as readonly { readonly id: string }[];
    await request(operator, { to: `PUT identity/projects/${project}/users/${user}/roles/${role?.id ?? ''}` });
    for (const network of await ownNetworks(tenant)) {
      const policy = { object_type: 'network', object_id: network, action: 'access_as_shared', target_tenant: project };
      await make('network/rbac-policies', 'rbac_policy', policy);
    }
    const auth = { kind: 'password', user: { id: user }, password: name, project: { id: project } } as const;
    return { guest: await loggedIn({ ...operator.config, name, auth }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ownNetworks(tenant: Login): Promise<readonly string[]> {
  const { body } = await request(tenant, { to: 'GET network/networks?shared=False' });
  return (body['networks'] as readonly { readonly id: string }[]).map(({ id }) => id);
}
