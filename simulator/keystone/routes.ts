import { newId, type Cloud, type User } from '../model';
import { Refusal, route, type Request, type Response, type ServiceRoutes } from '../routing';

/**
 * Keystone v3: tokens by password and by application credential, scoped to a project; the catalog; projects and users as
 * lists. Not there: domains but `Default`, unscoped tokens, federation.
 */

const tokenSeconds = 3_600;

export const keystone: ServiceRoutes = {
  prefix: '/identity',
  error: (status, message) => ({ error: { code: status, message, title: titles[status] ?? 'Error' } }),
  routes: [
    route('GET', '/', versions, { open: true }),
    route('GET', '/v3', ({ base }) => ({ status: 200, body: { version: version(base) } }), { open: true }),
    route('POST', '/v3/auth/tokens', authenticate, { open: true }),
    route('GET', '/v3/auth/tokens', show),
    route('GET', '/v3/projects', ({ cloud }) => ({
      status: 200,
      body: {
        projects: [...cloud.projects.values()].map(({ id, name }) => ({
          id,
          name,
          domain_id: 'default',
          enabled: true,
        })),
      },
    })),
    route('GET', '/v3/projects/:id', ({ cloud, params }) => {
      const found =
        cloud.projects.get(params[0] ?? '') ?? [...cloud.projects.values()].find(({ name }) => name === params[0]);
      if (!found) throw new Refusal(404, `Could not find project: ${params[0] ?? ''}.`);
      return {
        status: 200,
        body: { project: { id: found.id, name: found.name, domain_id: 'default', enabled: true } },
      };
    }),
  ],
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
};

function version(base: string): unknown {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/identity/v3/` }],
    'media-types': [],
  };
}

function versions({ base }: Request): Response {
  return { status: 300, body: { versions: { values: [version(base)] } } };
}

function authenticate(request: Request): Response {
  const { cloud, body } = request;
  const user = userOf(cloud, body);
  if (!user) throw new Refusal(401, 'The request you have made requires authentication.');
  const secret = `gAAAAAB${newId(cloud)}${newId(cloud)}`;
  const expiresAt = cloud.clock.now() + tokenSeconds * 1_000;
  cloud.tokens.set(secret, { user, expiresAt });
  return { status: 201, headers: { 'X-Subject-Token': secret }, body: tokenBody(request, user, expiresAt) };
}

function show(request: Request): Response {
  const secret = request.headers['x-subject-token'] ?? '';
  const token = request.cloud.tokens.get(secret);
  if (!token || token.expiresAt <= request.cloud.clock.now()) throw new Refusal(404, 'Could not find token.');
  return { status: 200, headers: { 'X-Subject-Token': secret }, body: tokenBody(request, token.user, token.expiresAt) };
}

interface AuthBody {
  readonly auth?: {
    readonly identity?: {
      readonly methods?: readonly string[];
      readonly password?: {
        readonly user?: { readonly id?: string; readonly name?: string; readonly password?: string };
      };
      readonly application_credential?: { readonly id?: string; readonly secret?: string };
    };
    readonly scope?: { readonly project?: { readonly id?: string; readonly name?: string } };
  };
}

function userOf(cloud: Cloud, body: unknown): User | undefined {
  const { identity, scope } = (body as AuthBody | undefined)?.auth ?? {};
  if (identity?.methods?.includes('application_credential')) {
    const given = identity.application_credential;
    const known = cloud.applicationCredentials.get(given?.id ?? '');
    return known && known.secret === given?.secret ? cloud.users.get(known.userId) : undefined;
  }
  const given = identity?.password?.user;
  const user = [...cloud.users.values()].find((each) => each.id === given?.id || each.name === given?.name);
  if (!user || user.password !== given?.password) return undefined;
  const project = cloud.projects.get(user.projectId);
  const asked = scope?.project;
  return asked === undefined || asked.id === project?.id || asked.name === project?.name ? user : undefined;
}

function tokenBody({ cloud, base }: Request, user: User, expiresAt: number): unknown {
  const project = cloud.projects.get(user.projectId);
  const domain = { id: 'default', name: 'Default' };
  const services: readonly [type: string, name: string, path: string][] = [
    ['identity', 'keystone', '/identity'],
    ['compute', 'nova', '/compute/v2.1'],
    ['placement', 'placement', '/placement'],
    ['network', 'neutron', '/networking'],
    ['image', 'glance', '/image'],
  ];
  return {
    token: {
      methods: ['password'],
      user: { id: user.id, name: user.name, domain, password_expires_at: null },
      project: { id: project?.id, name: project?.name, domain },
      roles: user.roles.map((name) => ({ id: name, name })),
      is_domain: false,
      issued_at: new Date(cloud.clock.now()).toISOString(),
      expires_at: new Date(expiresAt).toISOString(),
      audit_ids: [],
      catalog: services.map(([type, name, path]) => ({
        type,
        name,
        id: `${name}-service`,
        endpoints: ['public', 'internal', 'admin'].map((each) => ({
          id: `${name}-${each}`,
          interface: each,
          region: cloud.region,
          region_id: cloud.region,
          url: `${base}${path}`,
        })),
      })),
    },
  };
}
