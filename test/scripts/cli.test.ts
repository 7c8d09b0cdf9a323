import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DryRunResult } from '../../client';
import { begin, runToEnd, type Finished, type Program } from '../real/program';
import { small, startWorld, until, type World } from '../real/world';

/** The command line as a person or a script uses it: exit codes, what is said where, and what can be read by a program. */

const cli = 'scripts/programs/cli/main.js';

describe('what needs no server', () => {
  const wrong: readonly [what: string, args: readonly string[], said: RegExp][] = [
    ['no command', [], /Usage: bulkhead/],
    ['an unknown command', ['scale', 'web1'], /unknown command 'scale'/],
    ['no run to be told', ['retry'], /missing required argument 'workflow-id'/],
    ['a missing argument', ['scale-out', 'web1', 'web'], /missing required argument 'level'/],
    ['a level that is no number', ['scale-out', 'web1', 'web', 'many'], /'many' is invalid.* Give a whole number/],
    ['a level with a fraction', ['scale-in', 'web1', 'web', '1.5'], /'1\.5' is invalid.* Give a whole number/],
    ['no cause', ['evacuate-host', 'cmp-01'], /'--cause <cause>' not specified/],
    ['an unknown cause', ['evacuate-host', 'cmp-01', '--cause', 'fire'], /Allowed choices are failed, maintenance/],
    ['two ways to match', ['adopt', 'web1', 'small', '--match-name', 'a', '--match-tags', 'b'], /cannot be used with/],
    ['a share of all', ['deploy', '--ramp', '100'], /Give a number from 1 to 99; leave --ramp out for all of it/],
    ['a share of nobody', ['deploy', '--ramp', '5', '--unversioned'], /cannot be used with/],
    ['an unknown --if-busy', ['heal', 'web1', '--if-busy', 'panic'], /Allowed choices are wait, refuse/],
    [
      'a picture of what is done',
      ['terminate', 'web1', '--svg', 'a.svg'],
      /--svg draws what a dry run says: give --dry-run/,
    ],
    ['an unknown option', ['terminate', 'web1', '--force'], /unknown option '--force'/],
    ['a descriptor file that there is not', ['instantiate', 'web1', './no.yaml'], /there is no file \.\/no\.yaml/],
    ['a file that is no descriptor', ['instantiate', 'web1', __filename], /cannot be read|holds no descriptor/],
  ];

  test.each(wrong)('%s is wrong usage, and says what is right', async (_what, args, said) => {
    const { code, stdout, stderr } = await runToEnd(cli, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
  });

  test('an environment that cannot be used is wrong usage too', async () => {
    const env = { TEMPORAL_ADDRESS: 'temporal.example.com:7233', BULKHEAD_PACE: '2' };
    const { code, stdout, stderr } = await runToEnd(cli, ['list'], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('BULKHEAD_PACE: give a factor above 0 and up to 1');
    expect(stderr).toContain('set TEMPORAL_TLS=1, or BULKHEAD_ALLOW_PLAINTEXT=1');
  });

  test('a Temporal that is not there is said to be so, whatever was asked', async () => {
    const env = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const asked = [['status', 'web1'], ['setup'], ['versions'], ['terminate', 'web1']];
    for (const { code, stdout, stderr } of await Promise.all(asked.map((args) => runToEnd(cli, args, { env })))) {
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expect(stderr).toContain('Temporal does not answer at 127.0.0.1:1 within 5 s');
      expect(stderr).toContain('TEMPORAL_ADDRESS');
      // For a person, and no trace of the stack.
      expect(stderr).not.toContain('    at ');
    }
  });

  test.each([
    ['Temporal is away', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, { kind: 'TemporalUnavailable', code: 4 }],
    ['the environment cannot be used', { BULKHEAD_PACE: '2' }, { kind: 'Misconfigured', code: 2 }],
  ])(
    'with --json the failure stands alone on standard output: %s',
    async (_what, env, { kind, code }) => {
      for (const args of [['list'], ['versions'], ['terminate', 'web1']]) {
        const finished = await runToEnd(cli, [...args, '--json'], { env });
        expect(finished.code).toBe(code);
        expect(JSON.parse(finished.stdout)).toMatchObject({ outcome: 'unknown', kind, details: {} });
      }
    },
    30_000,
  );

  test('the help has every command, and ends well', async () => {
    const { code, stdout } = await runToEnd(cli, ['--help']);
    expect(code).toBe(0);
    for (const command of [
      'instantiate',
      'scale-out',
      'scale-in',
      'heal',
      'rebalance',
      'evacuate-host',
      'restore-host',
      'terminate',
      'audit',
      'adopt',
      'orphans',
      'capacity',
    ])
      expect(stdout).toContain(command);
    for (const command of ['status', 'list', 'setup', 'deploy', 'versions', 'run', 'retry', 'skip', 'give-up'])
      expect(stdout).toContain(command);
  });
});

describe('with servers', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ hosts: 'mz=4,dmz=1', workerEnv: { BULKHEAD_AUDIT_EVERY_MINUTES: '10080' } });
    writeFileSync(join(world.stack.directory, 'mine.yaml'), JSON.stringify(small));
    // Relative to where the person stands.
    const made = await bulkhead('instantiate', 'web1', 'mine.yaml');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('web: 0 -> 4') as string });
  }, 120_000);

  afterAll(async () => {
    await world.stop();
  }, 60_000);

  function given(): { env: Record<string, string>; cwd: string } {
    return { env: { TEMPORAL_ADDRESS: world.stack.temporal.address }, cwd: world.stack.directory };
  }

  function bulkhead(...args: string[]): Promise<Finished> {
    return runToEnd(cli, args, given());
  }

  function starting(...args: string[]): Program {
    return begin(cli, args, given());
  }

  async function changes(): Promise<number> {
    return (await world.stack.observer.log()).filter((event) => event.type !== 'note').length;
  }

  /** Launches and deletions take this long. */
  async function slowServers(): Promise<void> {
    for (const method of ['POST', 'DELETE'])
      await world.stack.observer.addFault({
        kind: 'delay',
        delayMs: 1_500,
        times: 50,
        match: { method, path: '/servers' },
      });
  }

  test('the status shows the levels and the members by host and pool', async () => {
    const { code, stdout } = await bulkhead('status', 'web1');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'web1: running, revision 1',
        'turn: free',
        '',
        'host    web',
        'cmp-01    1',
        'cmp-02    1',
        'cmp-03    1',
        'cmp-04    1',
        'level     4',
        '',
      ].join('\n'),
    );
  });

  test('the status and the list are JSON for programs', async () => {
    const [status, list] = await Promise.all([bulkhead('status', 'web1', '--json'), bulkhead('list', '--json')]);
    expect(JSON.parse(status.stdout)).toMatchObject({ vnf: 'web1', phase: 'running', pools: { web: { level: 4 } } });
    expect(JSON.parse(list.stdout)).toMatchObject([{ vnf: 'web1' }]);
    expect((await bulkhead('list')).stdout).toMatch(/^web1\t\w+\tsince 20\d\d-/);
  });

  test('a dry run says what would happen, and touches nothing', async () => {
    const before = await changes();
    const { code, stdout } = await bulkhead('scale-out', 'web1', 'web', '6', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^planned\n {2}web: 4 -> 6\n {2}launched: web1-web-5 on cmp-0\d, web1-web-6 on cmp-0\d\n/);
    expect(stdout).toMatch(/\nweb1 +web\ncmp-01 +\d/);
    expect(stdout).toMatch(/\n1\. launch \d of web: then cmp-0\d has \d/);
    expect(stdout).toMatch(/\ncmp-0\d takes \d of 6 web, spare is 2/);
    expect(await changes()).toBe(before);
  });

  test('a dry run says why other hosts were not chosen, by reason and by host, and draws hosts and pools', async () => {
    const [text, data] = await Promise.all([
      bulkhead('scale-out', 'web1', 'web', '6', '--dry-run', '--svg', 'plan.svg'),
      bulkhead('scale-out', 'web1', 'web', '6', '--dry-run', '--json'),
    ]);
    expect(text.stdout).toMatch(
      /\nweb: not chosen: 2 NotNeeded, 1 WrongZone; spare 1\/3 at level 6 allows 2 on a host; 4 hosts of mz/,
    );
    const { explanations } = JSON.parse(data.stdout) as DryRunResult;
    expect(explanations['web1']?.told?.choices[0]?.hosts).toMatchObject({ 'dmz-01': 'WrongZone' });
    const svg = readFileSync(join(world.stack.directory, 'plan.svg'), 'utf8');
    expect(svg).toMatch(/^<svg [^]*web1 before[^]*cmp-01[^]*web1 after[^]*<\/svg>\n$/);
  });

  test('the capacity of a VNF, and of one that is yet to be', async () => {
    const [there, data, yet, taken] = await Promise.all([
      bulkhead('capacity', 'web1', '--svg', 'capacity.svg'),
      bulkhead('capacity', 'web1', '--json'),
      bulkhead('capacity', 'web2', 'mine.yaml'),
      bulkhead('capacity', 'web1', 'mine.yaml'),
    ]);
    expect(there).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^web1 as it is\n\npool +zone +level/) as string,
    });
    expect(there.stdout).toMatch(/\nmz +web\n {2}cmp-01 +1\/1\n/);
    expect(JSON.parse(data.stdout)).toMatchObject({
      ...{ outcome: 'completed', vnf: 'web1', exists: true, untold: null },
      // Four hosts: any that dies leaves three, and four members need one each.
      pools: [
        {
          pool: 'web',
          level: 4,
          deaths: 0,
          oneMore: expect.arrayContaining([{ kind: 'level', pool: 'web', level: 6 }]) as [],
        },
      ],
      together: { deaths: 0, short: ['web'] },
    });
    expect(readFileSync(join(world.stack.directory, 'capacity.svg'), 'utf8')).toContain('<svg ');
    expect(yet.stdout).toMatch(/^web2 as instantiate would make it\n\n/);
    expect(taken.stderr).toContain('refused, AlreadyExists: There is a VNF web1 already.');
  });

  test('a picture that cannot be written loses nothing of the result', async () => {
    const { code, stdout, stderr } = await bulkhead('capacity', 'web1', '--json', '--svg', 'nowhere/a.svg');
    expect(JSON.parse(stdout)).toMatchObject({ procedure: 'capacity', exists: true });
    expect(stderr).toContain('the picture cannot be written: ENOENT');
    expect(code).toBe(1);
  });

  test('a VNF that is not blocked has nothing to clean up', async () => {
    const { code, stdout } = await bulkhead('clean-up', 'web1');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'web1: it is not blocked: there is nothing to clean up\n' });
    const { stdout: json } = await bulkhead('clean-up', 'web1', '--json');
    expect(JSON.parse(json)).toEqual({ vnf: 'web1', begun: false });
  });

  test.each([['deploy'], ['versions']])('%s in a namespace that there is not says so at once', async (command) => {
    const env = { ...given().env, TEMPORAL_NAMESPACE: 'nope' };
    const { code, stdout, stderr } = await runToEnd(cli, [command], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('there is no namespace nope; set TEMPORAL_NAMESPACE, or make it');
  });

  test('an audit says what it has found, and an adopt of a VNF that there is what to do instead', async () => {
    const [orphans, audit, data, adopt, pattern] = await Promise.all([
      bulkhead('orphans'),
      bulkhead('audit', 'web1'),
      bulkhead('audit', 'web1', '--repair', '--dry-run', '--json'),
      bulkhead('adopt', 'web1', 'mine.yaml'),
      bulkhead('adopt', 'web9', 'mine.yaml', '--match-name', 'web-{pool}'),
    ]);
    expect(orphans).toMatchObject({ code: 0, stdout: 'nothing: every VNF has a record\n' });
    const { action } = await world.client.schedule.getHandle('orphans').describe();
    expect(action).toMatchObject({ type: 'startWorkflow', workflowType: 'orphans' });
    expect(audit).toMatchObject({ code: 0, stdout: 'nothing differs\n' });
    expect(JSON.parse(data.stdout)).toMatchObject({ procedure: 'audit', repair: false, findings: [], steady: true });
    expect(adopt.code).toBe(1);
    expect(adopt.stderr).toContain('refused, AlreadyExists: There is a VNF web1 already.');
    expect(pattern.stderr).toContain('say once where the ordinal stands: {ordinal}');
  });

  test('with --json the result stands alone on standard output', async () => {
    const { code, stdout } = await bulkhead('scale-out', 'web1', 'web', '6', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'completed',
      vnf: 'web1',
      levels: { web: { from: 4, to: 6 } },
    });
  });

  test('what is refused exits with 1 and says its kind', async () => {
    const [unknown, impossible, named, strict] = await Promise.all([
      bulkhead('scale-out', 'nobody', 'web', '6'),
      bulkhead('scale-in', 'web1', 'web', '5', '--json'),
      bulkhead('instantiate', 'web2', 'nothing-like-it'),
      bulkhead('heal', 'web1', '--wait-seconds', '0'),
    ]);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('bulkhead: refused, UnknownVnf: There is no VNF nobody.');
    expect(impossible.code).toBe(1);
    expect(impossible.stderr).toContain('refused, Impossible: ');
    // A program reads the same as data.
    expect(JSON.parse(impossible.stdout)).toMatchObject({
      outcome: 'refused',
      kind: 'Impossible',
      details: {
        nearestLevels: { below: 4, above: 6 },
        remedies: [{ kind: 'hosts', hosts: { mz: 1 } }, { kind: 'spare' }, { kind: 'level', level: 4 }],
      },
    });
    expect(named).toMatchObject({ code: 1 });
    expect(named.stderr).toContain('there is no descriptor nothing-like-it; there are clearwater, small');
    expect(strict).toMatchObject({ code: 1 });
    expect(strict.stderr).toContain('waitSeconds: give a whole number from 1 to 86400.');
  });

  test('with --no-wait the id is printed, and the run goes on by itself', async () => {
    const { code, stdout } = await bulkhead('scale-out', 'web1', 'web', '7', '--no-wait', '--id', 'my-run');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'my-run\n' });
    const run = await world.bulkhead.attach('scaleOut', 'my-run');
    expect(await run.result()).toMatchObject({ outcome: 'completed', levels: { web: { from: 6, to: 7 } } });
    const second = await bulkhead('scale-out', 'web1', 'web', '8', '--no-wait', '--json');
    const { workflowId, runId } = JSON.parse(second.stdout) as { workflowId: string; runId: string };
    expect((await world.bulkhead.attach('scaleOut', workflowId)).runId).toBe(runId);
    await (await world.bulkhead.attach('scaleOut', workflowId)).result();
  });

  test('Ctrl-C ends the waiting and not the run, and says how to cancel that', async () => {
    await slowServers();
    const id = "it's $(interrupted)\nweb9: gone";
    const waiting = starting('scale-out', 'web1', 'web', '9', '--id', id);
    await waiting.says('scaleOut of web1: plan');
    waiting.kill('SIGINT');
    const { code, stdout, stderr } = await waiting.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain(
      String.raw`temporal workflow cancel --workflow-id $'it\047s $(interrupted)\012web9: gone'`,
    );
    expect(await (await world.bulkhead.attach('scaleOut', id)).result()).toMatchObject({
      outcome: 'completed',
    });
    await world.stack.observer.clearFaults();
  });

  test('while no worker answers it asks once at a time, and ends well when the run has', async () => {
    const [worker] = world.stack.workers;
    worker?.kill('SIGSTOP');
    // Of queries side by side the server refuses the most, and each of those is tried again.
    const waiting = starting('heal', 'web1', '--id', 'paused');
    await until('it has begun', 20, () => isThere('paused'));
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    worker?.kill('SIGCONT');
    const { code, stdout, stderr } = await waiting.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^completed\n/) as string });
    expect(stderr).not.toMatch(/Error|\n {4}at /);
  });

  function isThere(workflowId: string): Promise<boolean> {
    const described = world.client.workflow.getHandle(workflowId).describe();
    return described.then(
      () => true,
      () => false,
    );
  }

  test('a run that is cancelled meanwhile exits with 1', async () => {
    await slowServers();
    const waiting = starting('scale-out', 'web1', 'web', '10', '--id', 'cancelled');
    await waiting.says('scaleOut of web1: plan');
    await (await world.bulkhead.attach('scaleOut', 'cancelled')).cancel();
    const { code, stderr } = await waiting.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('bulkhead: cancelled, Cancelled: ');
    await world.stack.observer.clearFaults();
  });

  test('a run is asked where it is and what fails in it, and how it has ended', async () => {
    await world.stack.observer.addFault({
      kind: 'status',
      status: 503,
      times: 10_000,
      match: { method: 'POST', path: '/ports$' },
    });
    const started = await bulkhead('scale-out', 'web1', 'web', '11', '--no-wait', '--id', 'failing');
    expect(started.code).toBe(0);
    let said = '';
    await until('it says what fails', 20, async () => {
      ({ stdout: said } = await bulkhead('run', 'failing'));
      return said.includes('is tried again');
    });
    expect(said).toMatch(/^scaleOut of web1: at work, not stuck\nwhere it is: scaleOut of web1: plan › launch › /);
    expect(said).toMatch(
      /\nlaunch is tried again, attempt \d+; the last one failed: CloudUnavailable: POST .*\/ports: 503 /,
    );
    await world.stack.observer.clearFaults();
    await (await world.bulkhead.attach('scaleOut', 'failing')).result();
    expect(await bulkhead('run', 'failing')).toMatchObject({
      code: 0,
      stdout: 'scaleOut of web1: ended, completed\n',
    });
    expect((await bulkhead('run', 'cancelled')).stdout).toMatch(
      /^scaleOut of web1: ended, cancelled, Cancelled: The run/,
    );
    const { stdout } = await bulkhead('run', 'cancelled', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ what: 'scaleOut of web1', stuck: null, retrying: [] },
      ended: { outcome: 'cancelled', kind: 'Cancelled' },
    });
    await bulkhead('scale-in', 'web1', 'web', '9');
  });

  test('a run that has no turn and no way to be stuck says where it is, too', async () => {
    await bulkhead('heal', 'web1', '--dry-run', '--id', 'planned');
    expect((await bulkhead('run', 'planned')).stdout).toBe('heal of web1: ended, planned\n');
  });

  test.each([
    ['is empty', ''],
    ['has 1001 bytes', 'x'.repeat(1_001)],
  ])('an id that %s is refused in plain words', async (said, id) => {
    for (const args of [
      ['heal', 'web1', '--id', id],
      ['run', id],
      ['retry', id],
    ]) {
      const { code, stderr } = await bulkhead(...args);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `bulkhead: refused, InvalidRequest: The workflow id ${said}. Give one of 1 to 1000 bytes.\n`,
      });
    }
  });

  test('one that is not stuck, or is not there, can be told nothing', async () => {
    for (const [command, id] of [
      ['retry', 'cancelled'],
      ['skip', 'no-such-run'],
      ['give-up', 'vnf:web1'],
    ] as const) {
      const { code, stdout, stderr } = await bulkhead(command, id, '--json');
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        outcome: 'refused',
        kind: 'InvalidRequest',
        details: { workflowId: id },
      });
      expect(stderr).toContain('bulkhead: refused, InvalidRequest: ');
    }
  });

  test('a host is emptied, and the result says of which VNF and what it left alone', async () => {
    await until('web1 is free', 20, async () => (await world.bulkhead.status('web1')).turn === null);
    const { code, stdout } = await bulkhead('evacuate-host', 'cmp-04', '--cause', 'maintenance');
    expect({ code, lines: stdout.split('\n').slice(0, 3) }).toEqual({
      code: 0,
      lines: ['completed', 'web1', '  web: 9 -> 9'],
    });
    expect(stdout).toMatch(/removed: web1-web-\d+ on cmp-04/);
    expect((await bulkhead('status', 'web1')).stdout).not.toContain('cmp-04');
  });

  test('a VNF that is terminated is in no list any more', async () => {
    expect(await bulkhead('terminate', 'web1')).toMatchObject({ code: 0 });
    await until('the list is empty', 20, async () => (await world.bulkhead.list()).length === 0);
    expect(await bulkhead('list')).toMatchObject({ code: 0, stdout: 'there are no VNFs\n' });
    expect(await bulkhead('status', 'web1')).toMatchObject({ code: 1, stdout: '' });
  });

  test('what stays on an emptied host, since no record knows it, is said', async () => {
    expect(await bulkhead('restore-host', 'cmp-04')).toMatchObject({ code: 0 });
    expect(await bulkhead('instantiate', 'web2', 'mine.yaml')).toMatchObject({ code: 0 });
    await world.client.workflow.getHandle('vnf:web2').terminate('by hand');
    const { code, stdout } = await bulkhead('evacuate-host', 'cmp-04', '--cause', 'maintenance');
    expect({ code, lines: stdout.split('\n').filter((line) => line !== '') }).toEqual({
      code: 0,
      lines: [
        'completed',
        expect.stringMatching(
          /^ {2}left on cmp-04, since no record knows them \(adopt makes one\): web2-web-\d$/,
        ) as string,
      ],
    });
  });
});
