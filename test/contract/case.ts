import type { Asked, Lever } from './cloud';
import type { Scene } from './scene';

/** A fact about OpenStack that Bulkhead relies on: one request with its answer, or a story. */
export type Case = Row | Story;

interface Fact {
  readonly fact: string;
  /** Without it a cloud cannot play the case. */
  readonly needs?: Lever;
}

export interface Row extends Fact {
  readonly given?: (scene: Scene) => Promise<unknown>;
  readonly ask: (scene: Scene) => Asked | Promise<Asked>;
  readonly status: number;
  /** What the body has, with more beside it. */
  readonly body?: unknown;
}

export interface Story extends Fact {
  readonly play: (scene: Scene) => Promise<void>;
}

export interface Area {
  readonly area: string;
  readonly cases: readonly Case[];
}

export async function played(each: Case, scene: Scene): Promise<void> {
  if ('play' in each) {
    await each.play(scene);
    return;
  }
  await each.given?.(scene);
  const answer = await scene.ask(await each.ask(scene));
  const { status, body } = each;
  const said = Object.keys(answer.body).length > 0 ? answer.body : answer.text;
  expect({ status: answer.status, body: said }).toMatchObject({ status, ...(body !== undefined && { body }) });
}

const novaKeys: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'computeFault',
  409: 'conflictingRequest',
  415: 'badMediaType',
  500: 'computeFault',
};

/** An error as Nova words it. */
export function novaError(status: number, message: string | RegExp): unknown {
  return { [novaKeys[status] ?? '']: { code: status, message: wording(message) } };
}

export function neutronError(type: string, message: string | RegExp = /./): unknown {
  return { NeutronError: { type, message: wording(message), detail: '' } };
}

function wording(message: string | RegExp): unknown {
  return typeof message === 'string' ? message : (expect.stringMatching(message) as unknown);
}

export const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Of nothing. */
export const nowhere = '11111111-1111-4111-8111-111111111111';

export function anyText(): unknown {
  return expect.any(String) as unknown;
}

export function anyNumber(): unknown {
  return expect.any(Number) as unknown;
}

export function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern) as unknown;
}
