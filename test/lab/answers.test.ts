import { setTimeout as pause } from 'node:timers/promises';
import type { Deed, Said, Seen } from './proxy';
import { expectWhole, leaveNothing, rolesOf, struckTogether, told } from './round';
import { startLabWorld, type LabWorld } from './world';

/** In the middle of every procedure the cloud's APIs answer for a while what no API should. */

const badForSeconds = 8;
const suiteMs = 240_000;

let world: LabWorld;

beforeAll(async () => {
  world = await startLabWorld();
}, suiteMs);

afterAll(async () => {
  await leaveNothing(world);
}, suiteMs);

interface Case {
  readonly what: string;
  readonly answer: (seen: Seen) => Deed;
}

const json = { 'content-type': 'application/json' };
const html = { 'content-type': 'text/html' };

const fault: Said = {
  status: 500,
  headers: json,
  body: JSON.stringify({ computeFault: { code: 500, message: 'Unexpected API Error.' } }),
};
const page: Said = {
  status: 503,
  headers: html,
  body: '<html><body><h1>503 Service Unavailable</h1>No server is available to handle this request.</body></html>',
};
const tooMany: Said = {
  status: 429,
  headers: { ...json, 'retry-after': '2' },
  body: JSON.stringify({ overLimit: { code: 429, message: 'Too many requests.' } }),
};

/** What is asked to be changed is changed, the first time that it is asked. */
function onceDone(kind: (moment: Deed['moment']) => Deed): (seen: Seen) => Deed {
  const asked = new Set<string>();
  return ({ method, path, name = '' }) => {
    const key = `${method} ${path} ${name}`;
    const isFirst = method !== 'GET' && !asked.has(key);
    asked.add(key);
    return kind(isFirst ? 'after' : 'before');
  };
}

const cases: readonly Case[] = [
  { what: '500, having done it', answer: onceDone((moment) => ({ kind: 'answer', said: fault, moment })) },
  { what: '503 with a page of HTML', answer: () => ({ kind: 'answer', said: page, moment: 'before' }) },
  { what: '429 with Retry-After', answer: () => ({ kind: 'answer', said: tooMany, moment: 'before' }) },
  { what: 'nothing: connections are dropped', answer: onceDone((moment) => ({ kind: 'drop', moment })) },
];

test.each(cases.map((each, round) => ({ ...each, round })))(
  'the cloud answers $what',
  async ({ what, answer, round }) => {
    const roles = await rolesOf(world, round);
    let times = 0;
    const struck = await struckTogether(world, roles, async (goOn) => {
      const dropRule = world.proxy.rule((seen) => {
        times += 1;
        return Promise.resolve(answer(seen));
      });
      goOn();
      await pause(badForSeconds * 1_000);
      dropRule();
    });
    process.stderr.write(told(`${what}, ${String(times)} times`, struck));
    await expectWhole(world, roles, struck);
    expect(struck.map(({ procedure, ended: { outcome } }) => ({ procedure, outcome }))).toEqual(
      roles.map(({ procedure }) => ({ procedure, outcome: 'completed' })),
    );
  },
  suiteMs,
);
