import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

/**
 * Payloads (inputs, results, signals, queries, memos, details and summaries) encrypted before they leave this process, with AES-256-GCM. A payload names
 * the key that it was encrypted with, so that keys can be changed while runs are under way: the first key encrypts, and all of them decrypt. What is
 * not encrypted is read as it is, so that runs can be started, and records be asked, by those who have no key. Search attributes stay readable.
 */

/** No payload can be read, or no key is one: says which, and never shows a key. */
export class PayloadKeyError extends Error {
  override readonly name = 'PayloadKeyError';
}

/** No key that may come will make it readable: it names none, is too short to hold anything, or does not decrypt with the key that it names. */
export class UnreadablePayloadError extends PayloadKeyError {}

export interface PayloadKey {
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Buffer;
}

const cipherName = 'aes-256-gcm';
const keyBytes = 32;
/** NIST SP 800-38D, 8.2.2: random ones of 96 bits do for 2^32 payloads by one key. */
const nonceBytes = 12;
const tagBytes = 16;
const keyIdForm = /^[A-Za-z0-9._-]{1,40}$/;

const keyHelp =
  'give <id>:<32 bytes in base64>, e.g. "2026-11:$(openssl rand -base64 32)"; several are separated by commas, and the first encrypts';

/** `<id>:<base64>`, several separated by commas or spaces. Throws PayloadKeyError, which does not repeat what was given. */
export function parsePayloadKeys(text: string): PayloadKey[] {
  const keys = text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry, index) => {
      const [, id, encoded] = /^([A-Za-z0-9._-]{1,40}):([A-Za-z0-9+/]{43}=)$/.exec(entry) ?? [];
      const secret = Buffer.from(encoded ?? '', 'base64');
      if (id === undefined || secret.length !== keyBytes)
        throw new PayloadKeyError(`key ${String(index + 1)} is none: ${keyHelp}`);
      return { id, secret };
    });
  if (keys.length === 0) throw new PayloadKeyError(`there is no key: ${keyHelp}`);
  const twice = keys.find(({ id }, index) => keys.findIndex((key) => key.id === id) !== index);
  if (twice) throw new PayloadKeyError(`two keys have the id ${twice.id}: each needs its own`);
  return keys;
}

const encoding = 'binary/encrypted';
/** Names that the samples of Temporal use, too. */
const metadataOf = { encoding: 'encoding', keyId: 'encryption-key-id' } as const;
const { Payload: payloadType } = temporal.api.common.v1;

/**
 * Without a key it encrypts nothing, and says of what is encrypted which key is missing. `decode` throws PayloadKeyError where a payload's
 * key is not there, and UnreadablePayloadError where no key would do.
 */
export function payloadCodec(keys: readonly PayloadKey[]): PayloadCodec {
  const [current] = keys;
  return {
    encode: (payloads) => settled(() => (current ? payloads.map((payload) => encrypted(payload, current)) : payloads)),
    decode: (payloads) =>
      settled(() => payloads.map((payload) => (isEncrypted(payload) ? decrypted(payload, keys) : payload))),
  };
}

/** What is thrown rejects, as whoever gives a codec a payload expects. */
function settled<T>(body: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(body());
  });
}

export function isEncrypted({ metadata }: Payload): boolean {
  return textOf(metadata?.[metadataOf.encoding]) === encoding;
}

/** The whole payload is inside, its metadata included. The key's id is authenticated with it. */
function encrypted(payload: Payload, { id, secret }: PayloadKey): Payload {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(cipherName, secret, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(id));
  const plain = payloadType.encode(payload).finish();
  return {
    metadata: { [metadataOf.encoding]: Buffer.from(encoding), [metadataOf.keyId]: Buffer.from(id) },
    data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypted({ metadata, data }: Payload, keys: readonly PayloadKey[]): Payload {
  const id = textOf(metadata?.[metadataOf.keyId]);
  // What a payload says of itself may be anything.
  if (!keyIdForm.test(id)) throw new UnreadablePayloadError('a payload says that it is encrypted, and names no key');
  const bytes = Buffer.from(data ?? []);
  if (bytes.length < nonceBytes + tagBytes)
    throw new UnreadablePayloadError(`a payload says that it is encrypted with the key ${id}, and is too short to be`);
  const key = keys.find((each) => each.id === id);
  if (!key) throw new PayloadKeyError(missing(id, keys));
  try {
    const decipher = createDecipheriv(cipherName, key.secret, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-tagBytes));
    const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    return payloadType.decode(plain);
  } catch (error) {
    throw new UnreadablePayloadError(
      `a payload that names the key ${id} does not decrypt with it: it was changed, or another key has this id here (BULKHEAD_PAYLOAD_KEYS)`,
      { cause: error },
    );
  }
}

function missing(id: string, keys: readonly PayloadKey[]): string {
  const there = keys.length === 0 ? 'there is none' : `there are only ${keys.map((key) => key.id).join(', ')}`;
  return `a payload is encrypted with the key ${id}, and ${there}: add it to BULKHEAD_PAYLOAD_KEYS`;
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
