import type { RunView } from '../../domain/stuck';
import { tag } from '../../domain/names';
import { errorOf } from '../../scripts/lib/virtual/payloads';
import { onePool, vnf, zones } from '../../scripts/lib/virtual/specs';
import { openWorld, type World } from '../../scripts/lib/virtual/world';
import { hostsOf } from '../../simulator';

/** What is started without Bulkhead's client: a workflow id is its caller's free text, and anybody may start anything. */

async function open(): Promise<World> {
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf(zones) } });
  await world.run('instantiate', { vnf, descriptor: onePool });
  await world.settle(vnf);
  return world;
}

test('a run that is stuck under an id that is Markdown and a command says what to do as texts, each on its line', async () => {
  const world = await open();
  try {
    for (const server of world.cloud.servers.values())
      server.tags = server.tags.filter((each) => each !== tag.vnf(vnf));
    const workflowId = "x'\n# $(reboot) [here](http://evil)";
    const run = world.temporal.start({ type: 'terminate', workflowId, args: [{ vnf }] });
    const stuck = (): RunView['stuck'] => (run.execution.query('status') as RunView | undefined)?.stuck ?? null;
    await world.until('it is stuck, and the record knows', () => (world.viewOf(vnf)?.stuck.length ?? 0) > 0);
    const command = String.raw`bulkhead retry $'x\047\012# $(reboot) [here](http://evil)'`;
    expect(stuck()?.remedy).toContain(`"${command}"`);
    const record = world.temporal.latest(`vnf:${vnf}`);
    for (const details of [run.execution.details(), record?.execution.details() ?? '']) {
      expect(details).toContain('**');
      expect(details).not.toMatch(/^#|(?<!\\)\[|(?<!\\):\/\//m);
    }
    expect(run.execution.details().split('\n\n')[1]).toContain(
      String.raw`$'x\\047\\012\# $(reboot) \[here\](http\://evil)'`,
    );
  } finally {
    world.close();
  }
});

test.each([
  ['vnf', `vnf:${vnf}`, {}],
  ['vnf', `vnf:${vnf}`, { vnf, ask: {} }],
  ['vnf', `vnf:${vnf}`, { state: {} }],
  ['vnf', `vnf:${vnf}`, { state: { schema: 1, vnf } }],
  ['hostMutex', `host:${hostsOf(zones)[0]?.name ?? ''}`, {}],
  ['cloudBudget', 'cloud:somewhere', { budget: {} }],
  ['audit', `audit:${vnf}:x`, { vnf }],
])(
  'a %s that somebody starts as %s with %j ends at once, says what to do, and keeps nobody from anything',
  async (type, workflowId, input) => {
    const world = openWorld({ seed: 1, cloud: { hosts: hostsOf(zones) } });
    try {
      const run = world.temporal.start({ type, workflowId, args: [input] });
      await world.until('it has ended', () => run.status !== 'RUNNING');
      expect([run.status, errorOf(run.failure ?? {})]).toMatchObject([
        'FAILED',
        {
          type: 'InvalidRequest',
          nonRetryable: true,
          message: expect.stringMatching(/ is started by Bulkhead itself\. Start .*instantiate/) as string,
        },
      ]);
      expect(await world.run('instantiate', { vnf, descriptor: onePool })).toMatchObject({ outcome: 'completed' });
      expect(await world.settle(vnf)).toMatchObject({ phase: 'running', turn: null });
    } finally {
      world.close();
    }
  },
);

test('what is wrong with an input is said with what is right, all at once', async () => {
  const world = openWorld({ seed: 1, cloud: { hosts: hostsOf(zones) } });
  try {
    const input = { vnf, pool: 'web', to: 5, waitSeconds: 0.5, dryrun: true };
    const run = world.temporal.start({ type: 'scaleOut', workflowId: 'wrong', args: [input] });
    await world.until('it is refused', () => run.status !== 'RUNNING');
    expect(errorOf(run.failure ?? {})).toMatchObject({
      type: 'InvalidRequest',
      message:
        'scaleOut cannot be run with this input: waitSeconds: give a whole number from 1 to 86400; ' +
        '(input): unknown key dryrun; keys are vnf, pool, to, strict, ifBusy, waitSeconds, dryRun.',
      details: [
        {
          problems: [{ path: 'waitSeconds' }, { path: '(input)' }],
        },
      ],
    });
  } finally {
    world.close();
  }
});
