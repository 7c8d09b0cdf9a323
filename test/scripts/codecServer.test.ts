import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { defaultPayloadConverter } from '@temporalio/common';
import { parsePayloadKeys, payloadCodec } from '../../client/encryption';
import { serveCodec, type CodecServer, type CodecServerOptions } from '../../scripts/programs/codec/server';
import { begin, runToEnd } from '../real/program';

/** Who may have payloads decrypted, and what is answered. The CLI of Temporal asks it in test/real/secrets.test.ts. */

const webUi = 'http://localhost:8233';
const keys = parsePayloadKeys(`2026-11:${randomBytes(32).toString('base64')}`);
const codec = payloadCodec(keys);
const servers: CodecServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function serving(more: Partial<CodecServerOptions> = {}): Promise<(asked: Asked) => Promise<Answer>> {
  const server = await serveCodec({ codec, listen: '127.0.0.1', port: 0, origins: [webUi], ...more });
  servers.push(server);
  return ({ path = '/decode', method = 'POST', headers = {}, body = '{"payloads":[]}' }) =>
    new Promise((resolve, reject) => {
      const sent = request(`${server.url}${path}`, { method, headers, agent: false }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => (text += data.toString()));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      });
      sent.on('error', reject);
      sent.end(method === 'POST' ? body : '');
    });
}

/** As the Web UI sends what it has of the server. */
async function bodyOf(value: unknown): Promise<string> {
  const [hidden] = await codec.encode([defaultPayloadConverter.toPayload(value)]);
  const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  const metadata = Object.fromEntries(
    Object.entries(hidden?.metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]),
  );
  return JSON.stringify({ payloads: [{ metadata, data: base64(hidden?.data) }] });
}

function valuesIn({ body }: Answer): unknown[] {
  const { payloads } = JSON.parse(body) as { payloads: { data: string }[] };
  return payloads.map(({ data }) => JSON.parse(Buffer.from(data, 'base64').toString()) as unknown);
}

test('decodes what was encoded, and encodes so that it can be decoded', async () => {
  const ask = await serving();
  const hidden = await bodyOf({ vnf: 'ims1' });
  const decoded = await ask({ body: hidden, headers: { 'X-Namespace': 'default' } });
  expect([decoded.status, valuesIn(decoded)]).toEqual([200, [{ vnf: 'ims1' }]]);
  // The CLI may be told an address with a path.
  const encoded = await ask({ path: '/default/encode', body: decoded.body });
  expect(encoded.body).not.toContain(Buffer.from('ims1').toString('base64').slice(0, 4));
  expect(valuesIn(await ask({ body: encoded.body }))).toEqual([{ vnf: 'ims1' }]);
});

test('a page of the Web UI may ask, by the rules that browsers have for it', async () => {
  const ask = await serving();
  const preflight = await ask({ method: 'OPTIONS', headers: { Origin: webUi } });
  expect(preflight).toMatchObject({
    status: 204,
    headers: {
      'access-control-allow-origin': webUi,
      'access-control-allow-headers': expect.stringContaining('X-Namespace') as string,
    },
  });
  const answer = await ask({ body: await bodyOf('read'), headers: { Origin: webUi } });
  expect([answer.status, answer.headers['access-control-allow-origin'], valuesIn(answer)]).toEqual([
    200,
    webUi,
    ['read'],
  ]);
});

test.each(['http://evil.example', 'null', 'http://localhost:8233.evil.example'])(
  'a page of %s may not',
  async (Origin) => {
    const ask = await serving();
    for (const method of ['OPTIONS', 'POST']) {
      const answer = await ask({ method, headers: { Origin }, body: await bodyOf('secret') });
      expect(answer.status).toBe(403);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      expect(answer.body).not.toContain('payloads');
    }
  },
);

test('a name that was made to mean this machine is none of its own', async () => {
  const ask = await serving();
  expect((await ask({ headers: { Host: 'rebound.example:8888' } })).status).toBe(403);
  expect((await ask({ headers: { Host: 'localhost:8888' } })).status).toBe(200);
});

test('a token is wanted where there is one', async () => {
  const ask = await serving({ token: 'a token' });
  expect((await ask({})).status).toBe(401);
  expect((await ask({ headers: { Authorization: 'Bearer another' } })).status).toBe(401);
  expect((await ask({ headers: { Authorization: 'Bearer a token' } })).status).toBe(200);
});

test('a key that is not there is named, to a page of the Web UI too', async () => {
  const ask = await serving({ codec: payloadCodec([]) });
  const answer = await ask({ body: await bodyOf(1), headers: { Origin: webUi } });
  expect(answer).toMatchObject({ status: 400, headers: { 'access-control-allow-origin': webUi } });
  expect(answer.body).toContain('the key 2026-11');
});

test.each<[string, Asked, number]>([
  ['no JSON', { body: '<p>' }, 400],
  ['no payloads', { body: '{}' }, 400],
  ['no base64', { body: '{"payloads":[{"data":"%"}]}' }, 400],
  ['another path', { path: '/' }, 404],
  ['another method', { method: 'GET', body: '' }, 404],
  ['too much', { body: `{"payloads":[{"data":"${'A'.repeat(9 * 1_024 * 1_024)}"}]}` }, 413],
])('%s is refused', async (_what, asked, status) => {
  const ask = await serving();
  expect((await ask(asked)).status).toBe(status);
});

const someKey = { BULKHEAD_PAYLOAD_KEYS: `2026-11:${randomBytes(32).toString('base64')}` };

test.each<[string, string[], Record<string, string>, string]>([
  ['no key', [], {}, 'BULKHEAD_PAYLOAD_KEYS: there is no key'],
  ['others could ask', ['--listen', '0.0.0.0'], { BULKHEAD_PAYLOAD_KEYS: 'a:b' }, 'set BULKHEAD_CODEC_TOKEN'],
  ['no port', ['--port', 'http'], {}, 'Give a port'],
  ['no address of a Web UI', ['--web-ui', 'localhost'], {}, 'Give the address of a Web UI'],
  [
    'a name that there is not',
    ['--listen', 'nowhere.invalid'],
    { ...someKey, BULKHEAD_CODEC_TOKEN: 'a token' },
    'it cannot listen at nowhere.invalid, port 8888',
  ],
])('the program does not start: %s', async (_what, args, env, said) => {
  const { code, stderr } = await runToEnd('scripts/programs/codec/main.js', args, { env });
  expect({ code, said: stderr.includes(said) }).toEqual({ code: 2, said: true });
  expect(stderr).not.toContain('    at ');
});

/** Where a machine has no IPv6, it says so in its own words, and asks for no token. */
test.each(['::1', '[::1]'])('the program takes %s for this machine', async (listen) => {
  const server = begin('scripts/programs/codec/main.js', ['--listen', listen, '--port', '0'], { env: someKey });
  const started = server.says('{"url":"http://[::1]:').then(() => {
    server.kill('SIGTERM');
  });
  const [{ code, stderr }] = await Promise.all([server.ended, started.catch(() => undefined)]);
  if (code !== 0) expect(stderr).toMatch(/^codec-server: it cannot listen at ::1, port 0 \(E/);
});
