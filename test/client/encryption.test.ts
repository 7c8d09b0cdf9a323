import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { fc } from '../property';
import { parsePayloadKeys, payloadCodec, PayloadKeyError, type PayloadKey } from '../../client/encryption';

/** What Temporal stores is unreadable without the key, and what it was with it; keys can be changed while runs are under way. */

const [first = key('a'), second = key('b')] = ['2026-05', '2026-11'].map(key);

function key(id: string): PayloadKey {
  return { id, secret: randomBytes(32) };
}

const textOf = (payload: Payload | undefined): string => Buffer.from(payload?.data ?? []).toString('latin1');

async function encrypted(payload: Payload, keys: readonly PayloadKey[] = [first]): Promise<Payload> {
  const [result] = await payloadCodec(keys).encode([payload]);
  return result ?? {};
}

async function decrypted(payload: Payload, keys: readonly PayloadKey[] = [first]): Promise<unknown> {
  const [result] = await payloadCodec(keys).decode([payload]);
  return defaultPayloadConverter.fromPayload(result ?? {});
}

test('any value comes back as it was, and nothing of it can be read meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      const marked = { value, mark: 'a-mark-that-is-looked-for' };
      const payload = defaultPayloadConverter.toPayload(marked);
      const hidden = await encrypted(payload);
      expect(JSON.stringify([textOf(hidden), hidden.metadata])).not.toContain('a-mark-that-is-looked-for');
      expect(Object.keys(hidden.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
      expect(await decrypted(hidden)).toEqual(JSON.parse(JSON.stringify(marked)));
    }),
    { numRuns: 50 },
  );
});

test('nothing at all and undefined come back too', async () => {
  expect(await payloadCodec([first]).encode([])).toEqual([]);
  expect(await decrypted(await encrypted(defaultPayloadConverter.toPayload(undefined)))).toBeUndefined();
});

test('the same value is another payload each time', async () => {
  const payload = defaultPayloadConverter.toPayload('the same');
  expect(textOf(await encrypted(payload))).not.toBe(textOf(await encrypted(payload)));
});

test('what is plain passes through, with a key and without one', async () => {
  const payload = defaultPayloadConverter.toPayload({ vnf: 'ims1' });
  for (const keys of [[], [first]]) expect(await payloadCodec(keys).decode([payload])).toEqual([payload]);
  expect(await payloadCodec([]).encode([payload])).toEqual([payload]);
});

test('the first key encrypts, and all of them decrypt', async () => {
  const old = await encrypted(defaultPayloadConverter.toPayload('old'), [first]);
  const both = [second, first];
  expect(await decrypted(old, both)).toBe('old');
  const fresh = await encrypted(defaultPayloadConverter.toPayload('new'), both);
  expect(Buffer.from(fresh.metadata?.['encryption-key-id'] ?? []).toString()).toBe(second.id);
  expect(await decrypted(fresh, [second])).toBe('new');
});

test('a key that is not there is named, and those that are', async () => {
  const hidden = await encrypted(defaultPayloadConverter.toPayload(1));
  const said = 'encrypted with the key 2026-05, and there are only 2026-11: add it to BULKHEAD_PAYLOAD_KEYS';
  await expect(decrypted(hidden, [second])).rejects.toThrow(said);
  await expect(decrypted(hidden, [])).rejects.toThrow('encrypted with the key 2026-05, and there is none');
  await expect(decrypted(hidden, [])).rejects.toBeInstanceOf(PayloadKeyError);
});

test('another key of the same id does not decrypt, and is named', async () => {
  const hidden = await encrypted(defaultPayloadConverter.toPayload(1));
  await expect(decrypted(hidden, [key(first.id)])).rejects.toThrow('names the key 2026-05 does not decrypt');
});

test('a bit changed anywhere is noticed', async () => {
  const hidden = await encrypted(defaultPayloadConverter.toPayload({ vnf: 'ims1' }));
  const length = hidden.data?.length ?? 0;
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
      const data = Buffer.from(hidden.data ?? []);
      data.writeUInt8(data.readUInt8(at) ^ (1 << bit), at);
      await expect(decrypted({ ...hidden, data })).rejects.toBeInstanceOf(PayloadKeyError);
    }),
    { numRuns: 200 },
  );
  const cut = { ...hidden, data: Buffer.from(hidden.data ?? []).subarray(0, 10) };
  await expect(decrypted(cut)).rejects.toBeInstanceOf(PayloadKeyError);
});

test('the id of the key cannot be exchanged for another', async () => {
  const hidden = await encrypted(defaultPayloadConverter.toPayload(1));
  const renamed = { ...hidden, metadata: { ...hidden.metadata, 'encryption-key-id': Buffer.from('other') } };
  await expect(decrypted(renamed, [{ ...first, id: 'other' }])).rejects.toBeInstanceOf(PayloadKeyError);
});

describe('the keys', () => {
  const secret = randomBytes(32).toString('base64');

  test('are read, several by commas or spaces', () => {
    expect(parsePayloadKeys(`2026-11:${secret}, a.b_c:${secret}\n`).map(({ id }) => id)).toEqual(['2026-11', 'a.b_c']);
  });

  test.each([
    ['nothing', ' '],
    ['no id', secret],
    ['too few bytes', `a:${secret.slice(0, 40)}`],
    ['too many bytes', `a:${secret.slice(0, -1)}AAA=`],
    ['an id of another kind', `a/b:${secret}`],
    ['two of one id', `a:${secret},a:${secret}`],
  ])('that are none are refused, and not repeated: %s', (_what, text) => {
    let said = '';
    try {
      parsePayloadKeys(text);
    } catch (error) {
      if (!(error instanceof PayloadKeyError)) throw error;
      said = error.message;
    }
    expect(said).toMatch(/openssl rand|its own/);
    expect(said).not.toContain(secret.slice(0, 20));
  });
});
