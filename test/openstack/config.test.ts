import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudConfigError, loadCloudConfig } from '../../openstack';

let directory: string;
let back: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'clouds-'));
  back = process.cwd();
  mkdirSync(join(directory, 'here'));
  process.chdir(join(directory, 'here'));
});

afterEach(() => {
  process.chdir(back);
  rmSync(directory, { recursive: true });
});

function file(path: string, text: string): string {
  const full = join(directory, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

const variables = {
  OS_AUTH_URL: 'https://keystone.example.com:5000/v3',
  OS_USERNAME: 'operator',
  OS_PASSWORD: 'secret',
  OS_PROJECT_NAME: 'bulkhead',
};

const yaml = (name: string, user = 'operator'): string => `clouds:
  ${name}:
    auth:
      auth_url: https://keystone.example.com:5000
      username: ${user}
      password: secret
      project_name: bulkhead
      user_domain_name: Users
      project_domain_id: default
    region_name: RegionOne
    interface: internal
    identity_api_version: 3
`;

function problem(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CloudConfigError) return error.message;
    throw error;
  }
  throw new Error('was to be refused');
}

describe('OS_* variables', () => {
  test('give a password login; what is left out has the usual values', () => {
    expect(loadCloudConfig(variables)).toEqual({
      name: 'environment',
      authUrl: 'https://keystone.example.com:5000',
      auth: {
        kind: 'password',
        user: { name: 'operator', domain: { name: 'Default' } },
        password: 'secret',
        project: { name: 'bulkhead', domain: { name: 'Default' } },
      },
      region: null,
      interface: 'public',
      ca: null,
      verify: true,
    });
  });

  test('give an application credential', () => {
    const config = loadCloudConfig({
      OS_AUTH_URL: variables.OS_AUTH_URL,
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: 'ac',
      OS_APPLICATION_CREDENTIAL_SECRET: 's',
    });
    expect(config.auth).toEqual({ kind: 'applicationCredential', id: 'ac', secret: 's' });
  });

  test('give ids, domains, region, interface and the CA bundle', () => {
    const config = loadCloudConfig({
      ...variables,
      OS_USER_ID: 'u1',
      OS_PROJECT_DOMAIN_ID: 'd1',
      OS_REGION_NAME: 'two',
      OS_INTERFACE: 'internal',
      OS_CACERT: file('ca.pem', 'PEM'),
    });
    expect(config).toMatchObject({
      auth: { user: { id: 'u1' }, project: { name: 'bulkhead', domain: { id: 'd1' } } },
      region: 'two',
      interface: 'internal',
      ca: 'PEM',
    });
  });

  test('that are set and empty, as openrc files export them, are not set', () => {
    const config = loadCloudConfig({
      ...variables,
      OS_CLOUD: '',
      OS_REGION_NAME: '',
      OS_USER_DOMAIN_NAME: '',
      OS_PROJECT_ID: '',
    });
    expect(config).toMatchObject({
      name: 'environment',
      region: null,
      auth: { user: { domain: { name: 'Default' } } },
    });
  });
});

describe('the address of Keystone', () => {
  const same = ['https://k/identity', 'https://k/identity/', 'https://k/identity/v3', 'https://k/identity/v3/'];
  test.each(same)('%s', (OS_AUTH_URL) => {
    expect(loadCloudConfig({ ...variables, OS_AUTH_URL }).authUrl).toBe('https://k/identity');
  });

  test.each(['keystone.example.com', 'ftp://keystone', 'https://k/v2.0'])('%s is refused', (OS_AUTH_URL) => {
    expect(problem(() => loadCloudConfig({ ...variables, OS_AUTH_URL }))).toContain('auth.auth_url');
  });
});

describe('a user name or a password in the address of Keystone', () => {
  test.each([
    'https://admin:MARKED@k/v3',
    'https://admin@k',
    'https://:MARKED@k/identity',
    'HTTPS://admin:MARKED%40x@k/v3',
    'http://admin:MARKED@k',
  ])('%s is refused, and not repeated', (url) => {
    const clouds = file('named.yaml', yaml('one').replace('https://keystone.example.com:5000', url));
    for (const env of [
      { ...variables, OS_AUTH_URL: url },
      { OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE: clouds },
    ]) {
      const said = problem(() => loadCloudConfig(env));
      expect(said).toMatch(/auth\.auth_url: .*clouds\.yaml.*OS_USERNAME and OS_PASSWORD/);
      expect(said).not.toMatch(/MARKED|admin/);
    }
  });

  test.each(['https://admin:MARKED@', 'ftp://admin:MARKED@k', 'admin:MARKED@k'])('%s is not repeated either', (url) => {
    expect(problem(() => loadCloudConfig({ ...variables, OS_AUTH_URL: url }))).not.toContain('MARKED');
  });
});

describe('clouds.yaml', () => {
  const config = {
    name: 'one',
    authUrl: 'https://keystone.example.com:5000',
    auth: {
      kind: 'password',
      user: { name: 'operator', domain: { name: 'Users' } },
      password: 'secret',
      project: { name: 'bulkhead', domain: { id: 'default' } },
    },
    region: 'RegionOne',
    interface: 'internal',
    ca: null,
    verify: true,
  };

  test('is what OS_CLIENT_CONFIG_FILE names', () => {
    const OS_CLIENT_CONFIG_FILE = file('named.yaml', yaml('one'));
    expect(loadCloudConfig({ OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE })).toEqual(config);
  });

  test('is looked for here, then at home: the first that is there', () => {
    const HOME = join(directory, 'home');
    file('home/.config/openstack/clouds.yaml', yaml('one', 'at-home'));
    const user = (): unknown => loadCloudConfig({ OS_CLOUD: 'one', HOME }).auth;
    expect(user()).toMatchObject({ user: { name: 'at-home' } });
    file('here/clouds.yaml', yaml('one', 'here'));
    expect(user()).toMatchObject({ user: { name: 'here' } });
    file('named.yaml', yaml('one', 'named'));
    const named = loadCloudConfig({ OS_CLOUD: 'one', HOME, OS_CLIENT_CONFIG_FILE: join(directory, 'named.yaml') });
    expect(named.auth).toMatchObject({ user: { name: 'named' } });
  });

  test('comes before variables, and the cloud that the caller names before OS_CLOUD', () => {
    const OS_CLIENT_CONFIG_FILE = file('named.yaml', `${yaml('one')}${yaml('two', 'second').replace('clouds:\n', '')}`);
    const env = { ...variables, OS_USERNAME: 'other', OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE };
    expect(loadCloudConfig(env).auth).toMatchObject({ user: { name: 'operator' } });
    expect(loadCloudConfig(env, { cloud: 'two' })).toMatchObject({ name: 'two', auth: { user: { name: 'second' } } });
  });

  test('is completed by secure.yaml beside it', () => {
    const OS_CLIENT_CONFIG_FILE = file('named.yaml', yaml('one').replace('      password: secret\n', ''));
    file('secure.yaml', 'clouds:\n  one:\n    auth:\n      password: secret\n');
    expect(loadCloudConfig({ OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE })).toEqual(config);
  });

  test('may use anchors and merge keys', () => {
    const text = yaml('one')
      .replace('clouds:\n', 'common: &common\n  verify: false\nclouds:\n')
      .replace('    auth:\n', '    <<: *common\n    auth:\n');
    const OS_CLIENT_CONFIG_FILE = file('named.yaml', text);
    expect(loadCloudConfig({ OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE })).toEqual({ ...config, verify: false });
  });
});

describe('what cannot be used is refused with what to do', () => {
  const inFile =
    (text: string, name = 'one') =>
    (): unknown =>
      loadCloudConfig({ OS_CLOUD: name, OS_CLIENT_CONFIG_FILE: file('named.yaml', text) });

  const cases: readonly [string, () => unknown, RegExp][] = [
    ['nothing at all', () => loadCloudConfig({}), /set OS_CLOUD .* or OS_AUTH_URL/],
    [
      'no file',
      () => loadCloudConfig({ OS_CLOUD: 'one', OS_CLIENT_CONFIG_FILE: '/nowhere/c.yaml' }),
      /no clouds\.yaml in any of \/nowhere\/c\.yaml/,
    ],
    ['another cloud', inFile(yaml('one'), 'two'), /has no cloud two; it has one/],
    ['no clouds', inFile('cloud: {}'), /no map of "clouds"/],
    [
      'an authentication that is not spoken',
      () => loadCloudConfig({ ...variables, OS_AUTH_TYPE: 'v3oidcpassword' }),
      /auth_type is password, v3password or v3applicationcredential/,
    ],
    [
      'an interface that does not exist',
      () => loadCloudConfig({ ...variables, OS_INTERFACE: 'inner' }),
      /interface is public, internal or admin/,
    ],
    [
      'no password',
      () => loadCloudConfig({ ...variables, OS_PASSWORD: undefined }),
      /needs username, password and project_name/,
    ],
    [
      'no project',
      () => loadCloudConfig({ ...variables, OS_PROJECT_NAME: undefined }),
      /needs username, password and project_name/,
    ],
    [
      'half an application credential',
      () => loadCloudConfig({ ...variables, OS_APPLICATION_CREDENTIAL_SECRET: 's' }),
      /needs application_credential_id/,
    ],
    [
      'no CA bundle where one is named',
      () => loadCloudConfig({ ...variables, OS_CACERT: '/nowhere/ca.pem' }),
      /CA bundle \/nowhere\/ca\.pem cannot be read: ENOENT/,
    ],
  ];

  test.each(cases)('%s', (_what, act, says) => {
    expect(problem(act)).toMatch(says);
  });

  test('and the password in a file that is no YAML, or of the wrong type, is not shown', () => {
    const broken = problem(inFile('clouds:\n  one:\n    auth:\n      password: "hunter2\n  x: [\n'));
    expect(broken).toMatch(/named\.yaml is not YAML: look at line \d/);
    const mistyped = problem(inFile(yaml('one').replace('password: secret', 'password: 424242')));
    expect(mistyped).toContain('auth.password');
    expect(`${broken}${mistyped}`).not.toMatch(/hunter2|424242/);
  });
});

test('a home directory in the path of the CA bundle is followed', () => {
  const says = problem(() => loadCloudConfig({ ...variables, OS_CACERT: '~/nowhere/ca.pem' }));
  expect(says).toContain(join(homedir(), 'nowhere/ca.pem'));
});
