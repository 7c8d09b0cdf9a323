import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { readable } from '../../workers/readable';

/** What a worker makes of payloads that nothing of ours can read. */

const plain = {
  encode: (payloads: Payload[]) => Promise.resolve(payloads),
  decode: (payloads: Payload[]) => Promise.resolve(payloads),
};

function payload(encoding: string | undefined, data: string): Payload {
  return { ...(encoding !== undefined && { metadata: { encoding: Buffer.from(encoding) } }), data: Buffer.from(data) };
}

async function read(given: Payload): Promise<unknown> {
  const [decoded] = await readable(plain).decode([given]);
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
  expect(await readable(plain).encode(all)).toBe(all);
});

test('what a codec refuses stays refused: a key that is missing may come', async () => {
  const locked = { ...plain, decode: () => Promise.reject(new Error('a key is missing')) };
  await expect(readable(locked).decode([payload('binary/encrypted', 'x')])).rejects.toThrow('a key is missing');
});
