import { Command, InvalidArgumentError } from 'commander';
import { isLoopback } from '../../../client/address';
import { parsePayloadKeys, payloadCodec, PayloadKeyError } from '../../../client/encryption';
import { exitAfterUsage } from '../../lib/usage';
import { serveCodec } from './server';

/** `./scripts/codec-server`: decrypts payloads for Temporal's Web UI and CLI, for as long as it runs. Exit codes: 0 told to stop, 1 unexpected, 2 misconfigured. */

interface Options {
  readonly listen: string;
  readonly port: number;
  readonly webUi: readonly string[];
}

/** Of a dev server, and of docker-compose.yml. */
const webUis = ['localhost', '127.0.0.1'].flatMap((host) =>
  [8233, 8080].map((port) => `http://${host}:${String(port)}`),
);

const portDefault = 8888;

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('Give a port, e.g. 8888.');
  return number;
}

/** Of an IPv6 address the brackets are those of a URL. */
function host(text: string): string {
  return text.replace(/^\[(.*)\]$/, '$1');
}

function origin(text: string, before: readonly string[] | undefined): string[] {
  try {
    const url = new URL(text);
    if (url.origin !== 'null') return [...(before === webUis ? [] : (before ?? [])), url.origin];
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('Give the address of a Web UI, e.g. http://localhost:8233.');
}

async function main(): Promise<number> {
  const { listen, ...options } = new Command('codec-server')
    .description(
      'Decrypts payloads for the Temporal Web UI and CLI (--codec-endpoint), with the keys of BULKHEAD_PAYLOAD_KEYS. Beyond this machine it wants the token of BULKHEAD_CODEC_TOKEN.',
    )
    .exitOverride(exitAfterUsage)
    .option('--listen <address>', 'where it listens', host, '127.0.0.1')
    .option('--port <port>', 'on which port; 0 for any that is free', port, portDefault)
    .option('--web-ui <address>', 'a Web UI whose pages may ask; may be repeated', origin, webUis)
    .parse()
    .opts<Options>();
  const token = process.env['BULKHEAD_CODEC_TOKEN'] ?? '';
  if (!isLoopback(listen) && token === '')
    return wrong(
      `at ${listen} others could have everything decrypted: set BULKHEAD_CODEC_TOKEN, and put TLS in front of it`,
    );
  const keys = process.env['BULKHEAD_PAYLOAD_KEYS'] ?? '';
  try {
    const codec = payloadCodec(parsePayloadKeys(keys));
    const server = await serveCodec({
      codec,
      listen,
      port: options.port,
      origins: options.webUi,
      ...(token !== '' && { token }),
    });
    process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
    await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
    await server.close();
    return 0;
  } catch (error) {
    if (error instanceof PayloadKeyError) return wrong(`BULKHEAD_PAYLOAD_KEYS: ${error.message}`);
    const { syscall, code = '' } = error as NodeJS.ErrnoException;
    if (syscall === 'listen' || syscall === 'getaddrinfo')
      return wrong(
        `it cannot listen at ${listen}, port ${String(options.port)} (${code}): choose another with --listen and --port`,
      );
    throw error;
  }
}

function wrong(text: string): number {
  process.stderr.write(`codec-server: ${text}\n`);
  return 2;
}

void main().then((code) => {
  process.exitCode = code;
});
