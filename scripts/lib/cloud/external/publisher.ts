import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accept, checked, publicationSchema, type Publications } from '../../../../simulator/control/publications';
import { Refusal } from '../../../../simulator/routing';
import type { Watching } from './watching';

/** Stands where a cloud's DNS would: is told who serves, and says what it was told last. On loopback only. */
export interface Publisher {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startPublisher(watching: Pick<Watching, 'catchUp' | 'journal'>): Promise<Publisher> {
  const publications: Publications = new Map();
  const server = createServer((incoming, outgoing) => {
    void answer(incoming).then(
      (body) => {
        say(outgoing, 200, body);
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        say(outgoing, error instanceof Refusal ? error.status : 503, { error: { message } });
      },
    );
  });

  const answer = async (incoming: IncomingMessage): Promise<unknown> => {
    const path = incoming.url?.split('?')[0];
    if (path !== '/bulkhead/publications') throw new Refusal(404, `nothing is at ${path ?? ''}`);
    if (incoming.method === 'GET') return { publications: Object.fromEntries(publications) };
    if (incoming.method !== 'POST') throw new Refusal(405, 'POST or GET');
    const publication = checked(publicationSchema, jsonOf(await textOf(incoming)));
    // What had happened by now stands before it in the log.
    await watching.catchUp();
    const accepted = accept(publications, publication);
    if (accepted) watching.journal.append({ type: 'published', requestId: null, ...publication });
    return { accepted };
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function say(outgoing: ServerResponse, status: number, body: unknown): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'The request body is not JSON.');
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
