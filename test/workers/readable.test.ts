import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { payloadCodec } from '../../client/encryption';
import { readable } from '../../workers/readable';

/** What a worker makes of payloads that nothing of ours can read. */

const plain = {
  encode: (payloads: Payload[]) => Promise.resolve(payloads),
  decode: (payloads: Payload[]) => Promise.resolve(payloads),
};

function payload(encoding: string | undefined, data: string): Payload {
  return { ...(encoding !== undefined && { metadata: { encoding: Buffer.from(encoding) } }), data: Buffer.from(data) };
}

async function read(given: Payload, codec: PayloadCodec = plain): Promise<unknown> {
  const [decoded] = await readable(codec).decode([given]);
  return defaultPayloadConverter.fromPayload(decoded ?? {});
}

test.each<readonly [string | undefined, string, string]>([
  ['json/protobuf', '{"vnf":"ims1"}', 'json/protobuf'],
  ['binary/protobuf', '\u0001\u0002', 'binary/protobuf'],
  ['json/plain', '{"vnf":', 'json/plain'],
  ['a/b', '', 'a/b'],
  [undefined, '{}', 'not said'],
])('encoded as %s, with %j inside: a sentence that says so', async (encoding, data, said) => {
  expect(await read(payload(encoding, data))).toBe(
    `It cannot be read: its encoding is ${said}. Send JSON (json/plain).`,
  );
});

test('what can be read is handed over as it came', async () => {
  const all = [{ vnf: 'ims1' }, null, undefined, 'text', new Uint8Array([1, 2])].map((value) =>
    defaultPayloadConverter.toPayload(value),
  );
  expect(await readable(plain).decode(all)).toEqual(all);
  expect(await readable(plain).encode(all)).toEqual(all);
});

describe('what is encrypted', () => {
  const [key, another] = [randomBytes(32), randomBytes(32)].map((secret) => ({ id: '2026-11', secret }));
  const keys = [key ?? { id: '', secret: Buffer.of() }];
  const others = [another ?? { id: '', secret: Buffer.of() }];
  const written = defaultPayloadConverter.toPayload({ vnf: 'ims1' });

  async function encoded(codec: PayloadCodec): Promise<Payload> {
    const [result] = await codec.encode([written]);
    return result ?? {};
  }

  const saying = (id: string | undefined, bytes: number): Payload => ({
    metadata: {
      encoding: Buffer.from('binary/encrypted'),
      ...(id !== undefined && { 'encryption-key-id': Buffer.from(id) }),
    },
    data: Buffer.alloc(bytes),
  });

  test.each<readonly [string, Payload, string]>([
    ['that names no key', saying(undefined, 50), 'names no key'],
    ['whose key can be none', saying('a key', 50), 'names no key'],
    ['too short, with a key that is there', saying('2026-11', 27), 'the key 2026-11, and is too short'],
    ['too short, with another key', saying('2026-05', 0), 'the key 2026-05, and is too short'],
  ])('one %s is a sentence that says so, with keys and without', async (_what, given, said) => {
    for (const had of [keys, []])
      expect(await read(given, payloadCodec(had))).toMatch(
        new RegExp(`^It cannot be read: a payload says that it is encrypted.*${said}`),
      );
  });

  test('one of a caller that has another key of the same id is a sentence, too', async () => {
    expect(await read(await encoded(payloadCodec(others)), payloadCodec(keys))).toMatch(
      /^It cannot be read: .*names the key 2026-11 does not decrypt with it/,
    );
  });

  test('one of a worker that has another key of the same id stays refused: the worker is to be mended, and nothing done meanwhile', async () => {
    const ofWorker = await encoded(readable(payloadCodec(others)));
    await expect(read(ofWorker, payloadCodec(keys))).rejects.toThrow('does not decrypt with it');
    expect(await read(ofWorker, payloadCodec(others))).toEqual({ vnf: 'ims1' });
  });

  test('one with a key that is not there stays refused: the key may come', async () => {
    for (const had of [others.map((each) => ({ ...each, id: '2027-01' })), []])
      for (const given of [await encoded(payloadCodec(keys)), await encoded(readable(payloadCodec(keys)))])
        await expect(read(given, payloadCodec(had))).rejects.toThrow('encrypted with the key 2026-11, and there');
  });

  test('what cannot be read leaves what came with it as it is', async () => {
    const good = await encoded(payloadCodec(keys));
    const decoded = await readable(payloadCodec(keys)).decode([good, saying(undefined, 0), written]);
    expect(decoded.map((each) => defaultPayloadConverter.fromPayload(each))).toEqual([
      { vnf: 'ims1' },
      expect.stringContaining('names no key'),
      { vnf: 'ims1' },
    ]);
  });
});
