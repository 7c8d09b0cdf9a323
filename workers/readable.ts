import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';

/**
 * A payload that nothing here can read (another SDK's encoding, JSON that is none) becomes a sentence that says so. It is then refused,
 * or dropped, as whatever else has not the shape that is asked for. Otherwise the workflow task that meets it would fail for ever, and
 * one such signal would keep a VNF's record from ever granting another turn.
 */
export function readable(codec: PayloadCodec): PayloadCodec {
  return {
    encode: (payloads) => codec.encode(payloads),
    decode: async (payloads) => (await codec.decode(payloads)).map(asReadable),
  };
}

function asReadable(payload: Payload): Payload {
  try {
    defaultPayloadConverter.fromPayload(payload);
    return payload;
  } catch {
    const encoding = Buffer.from(payload.metadata?.['encoding'] ?? []).toString('utf8');
    return defaultPayloadConverter.toPayload(
      `It cannot be read: its encoding is ${encoding === '' ? 'not said' : encoding}. Send JSON (json/plain).`,
    );
  }
}
