/**
 * A cloud under test: the embedded one on virtual time, or one of a clouds.yaml. Cases see nothing else of it, so that what
 * they say holds on both.
 */
export interface CloudUnderTest {
  readonly name: string;
  readonly ask: (asked: Asked) => Promise<Answer>;
  /** All at the same time: none waits for another's answer. */
  readonly askAll: (asked: readonly Asked[]) => Promise<Answer[]>;
  /** Between two looks at what changes by itself. */
  readonly pass: (seconds: number) => Promise<void>;
  /** Seconds; only differences mean anything. */
  readonly now: () => number;
  readonly projectOf: (as: Caller) => string;
  readonly userOf: (as: Caller) => string;
  readonly host: (name: string) => HostLever;
  readonly service: (name: Part) => ServiceLever;
  readonly close: () => Promise<void>;
}

/** An administrator, an ordinary member of a project, and one of a project that nobody else uses: its quotas may be changed. */
export type Caller = 'operator' | 'tenant' | 'guest';

export const callers: readonly Caller[] = ['operator', 'tenant', 'guest'];

/** What only who runs the cloud can do to it; and what not every cloud does: several servers in one request. */
export type Lever = 'hosts' | 'services' | 'several';

export interface HostLever {
  /** Its compute service dies, as if it had lost power. */
  readonly fail: () => Promise<void>;
  readonly recover: () => Promise<void>;
}

export interface ServiceLever {
  /** Answers when it is gone. It comes back after so long, by itself. */
  readonly away: (seconds: number) => Promise<void>;
  /** Answers when it has come back. */
  readonly back: () => Promise<void>;
}

export const parts = [
  ...(['keystone', 'nova-api', 'nova-scheduler', 'nova-conductor', 'placement', 'neutron', 'glance'] as const),
  ...(['rabbitmq', 'mariadb', 'memcached'] as const),
] as const;

export type Part = (typeof parts)[number];

export type Service = 'compute' | 'network' | 'placement' | 'image' | 'identity';

export interface Asked {
  /** Method, service, and path with query below the service's endpoint: `GET compute/servers`. */
  readonly to: string;
  readonly body?: unknown;
  /** The tenant where it is not said; nobody sends no token. */
  readonly as?: Caller | 'nobody';
  /** Nova's microversion; 2.96 where it is not said, none where it is null. */
  readonly version?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  /** 0 where there was none: the connection was refused, or went away. */
  readonly status: number;
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where it is no JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** How long it took. */
  readonly seconds: number;
}

export interface Target {
  readonly method: string;
  readonly service: Service;
  /** With a leading slash, or empty. */
  readonly path: string;
}

export function targetOf({ to }: Asked): Target {
  const [, method = '', service = '', path = ''] = /^([A-Z]+) ([a-z]+)(.*)$/.exec(to) ?? [];
  return { method, service: service as Service, path };
}

/** Headers that every request to a service has. */
export function headersOf({ version = '2.96', headers }: Asked, service: Service): Record<string, string> {
  return {
    // Else some errors are pages of HTML.
    accept: 'application/json',
    ...(service === 'compute' && version !== null && { 'openstack-api-version': `compute ${version}` }),
    ...(service === 'placement' && { 'openstack-api-version': 'placement 1.29' }),
    ...headers,
  };
}

export function parsed(text: string): Answer['body'] {
  try {
    return JSON.parse(text) as Answer['body'];
  } catch {
    return {};
  }
}
