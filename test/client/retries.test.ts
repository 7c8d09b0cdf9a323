import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { findTemporal, startDevServer, type DevServer } from '../../scripts/lib/temporal';

/** A program that closes while its Temporal is away, and something that it asked is tried again and again. */

let temporal: DevServer;
let way: Way;

beforeAll(async () => {
  temporal = await startDevServer({ program: await findTemporal(() => undefined) });
  way = await wayTo(temporal.address);
}, 60_000);

afterAll(async () => {
  way.cut();
  await temporal.stop();
}, 60_000);

interface Way {
  readonly address: string;
  /** Nobody is there any more. */
  readonly cut: () => void;
}

async function wayTo(address: string): Promise<Way> {
  const [host = '', port = ''] = address.split(':');
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const beyond = connect(Number(port), host);
    for (const [from, to] of [
      [socket, beyond],
      [beyond, socket],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Asks as long as nobody is there, and closes meanwhile. */
const program = `
const { connectBulkhead } = require(process.argv[1]);
(async () => {
  const bulkhead = await connectBulkhead({ address: process.argv[2] });
  console.log('connected');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  const asked = bulkhead.cleanUpAgain('web1').catch((error) => console.log(error.name));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  console.log('closing');
  await bulkhead.close();
  await asked;
  console.log('ended well');
  process.stdin.destroy();
})();`;

test('the process lives, and who has asked is told that Temporal does not answer', async () => {
  const child = spawn(process.execPath, ['-e', program, join(root, 'dist/client/index.js'), way.address], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const connected = new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('connected')) resolve();
    });
  });
  const ended = once(child, 'close');
  await connected;
  way.cut();
  child.stdin.write('\n');
  const [code] = (await ended) as [number];
  expect({ code, said }).toEqual({ code: 0, said: 'connected\nclosing\nTemporalUnavailableError\nended well\n' });
}, 30_000);
