import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { isLoopback } from '../../../client/address';
import { PayloadKeyError } from '../../../client/encryption';

/**
 * `POST /decode` and `POST /encode`, as Temporal's Web UI and CLI call them (`--codec-endpoint`). Whoever can call it can read everything that it has a
 * key for, so it listens where nobody else is, answers no page of the Web but those that it knows, and elsewhere wants a token.
 * https://docs.temporal.io/codec-server
 */
export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly listen: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Origins of the Web UIs whose pages may ask, e.g. `http://localhost:8233`. */
  readonly origins: readonly string[];
  /** Wanted as `Authorization: Bearer …`, where it is given. */
  readonly token?: string;
}

export interface CodecServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** The largest answer of a Temporal server is 4 MB, and base64 makes it a third longer. */
const bodyBytesMax = 8 * 1_024 * 1_024;

/** ProtoJSON: bytes are base64. */
const bodySchema = z.object({
  payloads: z
    .array(
      z.object({
        metadata: z.record(z.string(), z.base64()).default({}),
        data: z.base64().default(''),
      }),
    )
    .max(10_000),
});

/** What a caller is told, with its status. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function serveCodec(options: CodecServerOptions): Promise<CodecServer> {
  const server = createServer((request, response) => {
    void answer(request, response, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.listen, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${String(port)}`,
    close: () => closed(server),
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: CodecServerOptions): Promise<void> {
  try {
    const headers = corsHeaders(request, options);
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end();
      return;
    }
    refuseStrangers(request, options);
    const body = await converted(request, options.codec);
    response.writeHead(200, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  } catch (error) {
    const { status, message } = refusalOf(error);
    // A page that may ask may also read why it got no answer.
    const known = options.origins.includes(request.headers.origin ?? '') ? corsHeaders(request, options) : {};
    response.writeHead(status, { ...known, 'Content-Type': 'text/plain', Connection: 'close' }).end(`${message}\n`);
  }
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof Refusal) return error;
  // Which key is missing, and never a key.
  if (error instanceof PayloadKeyError) return { status: 400, message: error.message };
  return { status: 500, message: 'the payloads could not be converted' };
}

/** A page that is none of a known Web UI gets nothing, whatever a browser would make of the answer. */
function corsHeaders(
  { headers: { origin } }: IncomingMessage,
  { origins }: CodecServerOptions,
): Record<string, string> {
  if (origin === undefined) return {};
  if (!origins.includes(origin))
    throw new Refusal(403, `pages of ${origin} may not ask: start with --web-ui ${origin}`);
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Namespace',
    'Access-Control-Allow-Credentials': 'true',
    Vary: 'Origin',
  };
}

function refuseStrangers({ headers }: IncomingMessage, { listen, token }: CodecServerOptions): void {
  // A page whose name has been made to mean this machine would come with that name.
  if (isLoopback(listen) && !isLoopback(headers.host ?? ''))
    throw new Refusal(403, 'this codec server is asked by the name localhost, or by its address');
  if (token === undefined) return;
  if (!equal(headers.authorization ?? '', `Bearer ${token}`))
    throw new Refusal(401, 'give the token: Authorization: Bearer … (temporal: TEMPORAL_CODEC_AUTH)');
}

/** In a time that says nothing of where they differ. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function converted(request: IncomingMessage, codec: PayloadCodec): Promise<unknown> {
  // The CLI may be told a path before it, as `…/{namespace}`.
  const way = /\/(encode|decode)$/.exec((request.url ?? '').split('?')[0] ?? '')?.[1];
  if (way === undefined || request.method !== 'POST') throw new Refusal(404, 'there are POST /encode and POST /decode');
  const parsed = bodySchema.safeParse(jsonOf(await bodyOf(request)));
  if (!parsed.success)
    throw new Refusal(400, 'the body is to be {"payloads": [{"metadata": {…}, "data": "…"}]}, in base64');
  const payloads = parsed.data.payloads.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data, 'base64'),
  }));
  const result = await (way === 'encode' ? codec.encode(payloads) : codec.decode(payloads));
  return {
    payloads: result.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])),
      data: base64(data ?? new Uint8Array()),
    })),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bodyBytesMax) throw new Refusal(413, 'too much at once');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
