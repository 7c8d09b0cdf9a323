import { newId, type Cloud, type Project, type User } from '../model';
import { Refusal, route, type Request, type Response, type Route, type ServiceRoutes } from '../routing';

/**
 * Keystone v3: tokens by password and by application credential, scoped to a project; the catalog; projects, and for the operator
 * users, roles, domains, regions, services and endpoints, all to be read only. Not there: domains but `Default`, unscoped tokens, federation.
 */

const tokenSeconds = 3_600;

export const keystone: ServiceRoutes = {
  prefix: '/identity',
  part: 'keystone',
  error: (status, message) => ({ error: { code: status, message, title: titles[status] ?? 'Error' } }),
  routes: [
    route('GET', '/', versions, { open: true }),
    route('GET', '/v3', ({ base }) => ({ status: 200, body: { version: version(base) } }), { open: true }),
    route('POST', '/v3/auth/tokens', authenticate, { open: true }),
    route('GET', '/v3/auth/tokens', show),
    route('GET', '/v3/projects', (request) => {
      if (!request.admin) throw forbidden('list_projects');
      return projects(request, [...request.cloud.projects.values()]);
    }),
    route('GET', '/v3/users/:id/projects', (request) => {
      if (!request.admin && request.params[0] !== request.user.id) throw forbidden('list_user_projects');
      const project = request.cloud.projects.get(request.cloud.users.get(request.params[0] ?? '')?.projectId ?? '');
      return projects(request, project ? [project] : []);
    }),
    route('GET', '/v3/projects/:id', ({ cloud, params, project, admin }) => {
      const found =
        cloud.projects.get(params[0] ?? '') ?? [...cloud.projects.values()].find(({ name }) => name === params[0]);
      if (!admin && found !== project) throw forbidden('get_project');
      if (!found) throw new Refusal(404, `Could not find project: ${params[0] ?? ''}.`);
      return { status: 200, body: { project: showProject(found) } };
    }),
    ...readOnly('user', ({ cloud }) =>
      [...cloud.users.values()].map(({ id, name, projectId }) => ({
        id,
        name,
        domain_id: 'default',
        default_project_id: projectId,
        enabled: true,
      })),
    ),
    ...readOnly('role', () => ['admin', 'member'].map((name) => ({ id: name, name, domain_id: null }))),
    ...readOnly('domain', () => [{ id: 'default', name: 'Default', enabled: true, description: '' }]),
    ...readOnly('region', ({ cloud }) => [{ id: cloud.region, description: '', parent_region_id: null }]),
    ...readOnly('service', () => services.map(({ type, name, id }) => ({ id, name, type, enabled: true }))),
    ...readOnly('endpoint', (request) =>
      services.flatMap((service) =>
        endpointsOf(request, service).map((endpoint) => ({ ...endpoint, service_id: service.id, enabled: true })),
      ),
    ),
  ],
};

function forbidden(action: string): Refusal {
  return new Refusal(403, `You are not authorized to perform the requested action: identity:${action}.`);
}

function projects({ query }: Request, all: readonly Project[]): Response {
  const name = query.get('name');
  const found = all.filter((each) => name === null || each.name === name);
  return { status: 200, body: { projects: found.map(showProject), links: { next: null, previous: null } } };
}

function showProject({ id, name }: Project): unknown {
  return { id, name, domain_id: 'default', enabled: true };
}

interface Named {
  readonly id: string;
  readonly name?: string;
}

/** A list, also by name, and each by its id. A tenant sees neither. */
function readOnly(kind: string, all: (request: Request) => readonly Named[]): Route[] {
  const refuseTenants = (request: Request, action: string): void => {
    if (!request.admin) throw forbidden(action);
  };
  return [
    route('GET', `/v3/${kind}s`, (request) => {
      refuseTenants(request, `list_${kind}s`);
      const name = request.query.get('name');
      const found = all(request).filter((each) => name === null || each.name === name);
      return { status: 200, body: { [`${kind}s`]: found, links: { next: null, previous: null } } };
    }),
    route('GET', `/v3/${kind}s/:id`, (request) => {
      refuseTenants(request, `get_${kind}`);
      const found = all(request).find(({ id }) => id === request.params[0]);
      if (!found) throw new Refusal(404, `Could not find ${kind}: ${request.params[0] ?? ''}.`);
      return { status: 200, body: { [kind]: found } };
    }),
  ];
}

interface Service {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly path: string;
}

const services: readonly Service[] = [
  { type: 'identity', name: 'keystone', path: '/identity' },
  { type: 'compute', name: 'nova', path: '/compute/v2.1' },
  { type: 'placement', name: 'placement', path: '/placement' },
  { type: 'network', name: 'neutron', path: '/networking' },
  { type: 'image', name: 'glance', path: '/image' },
].map((service) => ({ ...service, id: `${service.name}-service` }));

function endpointsOf({ cloud, base }: Request, { name, path }: Service): readonly Named[] {
  return ['public', 'internal', 'admin'].map((each) => ({
    id: `${name}-${each}`,
    interface: each,
    region: cloud.region,
    region_id: cloud.region,
    url: `${base}${path}`,
  }));
}

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
  if ([identity?.methods].flat().includes('application_credential')) {
    const given = identity?.application_credential;
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

function tokenBody(request: Request, user: User, expiresAt: number): unknown {
  const { cloud } = request;
  const project = cloud.projects.get(user.projectId);
  const domain = { id: 'default', name: 'Default' };
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
      catalog: services.map((service) => {
        const { type, name, id } = service;
        return { type, name, id, endpoints: endpointsOf(request, service) };
      }),
    },
  };
}
