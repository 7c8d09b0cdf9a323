import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import { isEncrypted, UnreadablePayloadError } from '../client/encryption';

/**
 * A payload that nothing here can read (another SDK's encoding, JSON that is none, what says that it is encrypted and is not) becomes a sentence
 * that says so. It is then refused, or dropped, as whatever else has not the shape that is asked for. Otherwise the workflow task that meets it would
 * fail for ever, and one such signal would keep a VNF's record from ever granting another turn.
 *
 * Two things fail the task all the same, so that it waits for a worker that can read them: what is encrypted with a key that is not there, and what a worker
 * has written and another has encrypted with its own key of the same id. A result of an activity that is taken for a sentence would do harm.
 */
export function readable(codec: PayloadCodec): PayloadCodec {
  return {
    encode: async (payloads, context) => (await codec.encode(payloads, context)).map(signed),
    decode: (payloads, context) =>
      Promise.all(
        payloads.map(async (payload) => {
          try {
            const [decoded = payload] = await codec.decode([payload], context);
            return asReadable(decoded);
          } catch (error) {
            if (!(error instanceof UnreadablePayloadError) || isOfWorker(payload)) throw error;
            return sentence(error.message);
          }
        }),
      ),
  };
}

/** Beside what is encrypted, in the metadata: says that a worker has written it. It is no proof, and needs to be none. */
const writer = { name: 'bulkhead-writer', worker: 'worker' } as const;

function signed(payload: Payload): Payload {
  if (!isEncrypted(payload)) return payload;
  return { ...payload, metadata: { ...payload.metadata, [writer.name]: Buffer.from(writer.worker) } };
}

function isOfWorker({ metadata }: Payload): boolean {
  return textOf(metadata?.[writer.name]) === writer.worker;
}

function asReadable(payload: Payload): Payload {
  try {
    defaultPayloadConverter.fromPayload(payload);
    return payload;
  } catch {
    const encoding = textOf(payload.metadata?.['encoding']);
    return sentence(`its encoding is ${encoding === '' ? 'not said' : encoding}. Send JSON (json/plain)`);
  }
}

function sentence(why: string): Payload {
  return defaultPayloadConverter.toPayload(`It cannot be read: ${why}.`);
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
