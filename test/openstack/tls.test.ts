import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, loadCloudConfig, neutron } from '../../openstack';
import { loopbackCertificate } from './certificate';
import { errorFrom, token } from './servers';

/** A cloud behind a certificate that only its own CA bundle vouches for. */

const { key, cert } = loopbackCertificate();
const directory = mkdtempSync(join(tmpdir(), 'ca-'));
const bundle = join(directory, 'ca.pem');
let server: Server;
let logins = 0;
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  writeFileSync(bundle, cert);
  server = createServer({ key, cert }, (incoming, outgoing) => {
    const login = incoming.url === '/identity/v3/auth/tokens';
    if (login) logins += 1;
    const {
      status = 200,
      headers,
      body,
    } = login
      ? token(variables['OS_AUTH_URL']?.replace('/identity', '') ?? '', 1)
      : ({ body: { networks: [] } } as ReturnType<typeof token>);
    outgoing.writeHead(status, { ...headers }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  variables = {
    OS_AUTH_URL: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}/identity`,
    OS_APPLICATION_CREDENTIAL_ID: 'ac',
    OS_APPLICATION_CREDENTIAL_SECRET: 's',
  };
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
});

test('is trusted by OS_CACERT', async () => {
  expect(await neutron.listNetworks(connect(loadCloudConfig({ ...variables, OS_CACERT: bundle })))).toEqual([]);
});

test('is not trusted without, which is said with what to do, and nothing is sent', async () => {
  const before = logins;
  const error = await errorFrom(neutron.listNetworks(connect(loadCloudConfig(variables))));
  expect(error).toMatchObject({
    name: 'UnavailableError',
    fateUnknown: false,
    message: expect.stringContaining('OS_CACERT') as string,
  });
  expect(logins).toBe(before);
});

test('is not looked at where clouds.yaml says verify: false', async () => {
  const clouds = join(directory, 'clouds.yaml');
  const auth = {
    auth_url: variables['OS_AUTH_URL'],
    application_credential_id: 'ac',
    application_credential_secret: 's',
  };
  writeFileSync(clouds, JSON.stringify({ clouds: { lab: { auth, verify: false } } }));
  const config = loadCloudConfig({ OS_CLOUD: 'lab', OS_CLIENT_CONFIG_FILE: clouds });
  expect(await neutron.listNetworks(connect(config))).toEqual([]);
});
