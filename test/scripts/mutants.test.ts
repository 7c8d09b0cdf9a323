import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { mutants } from '../../scripts/programs/mutants/mutants';
import { begin, runToEnd } from '../real/program';
import { until } from '../real/world';
import { publishesNothing } from './publishesNothing';

const program = 'scripts/programs/mutants/main.js';

/** Three of what `./scripts/mutants` plants, soon told of. All of them take minutes. */
test.each([
  ['done-never-sent', 'the record had to clean up behind it'],
  ['undo-cancellable', 'the record had to clean up behind it'],
  ['heartbeat-on-launch', 'a second attempt of remove began while the first was at work'],
])(
  'the defect %s is told of',
  async (mutant, how) => {
    const args = ['--json', '--only', mutant, '--every', '20'];
    const { code, stdout } = await runToEnd(program, args);
    const [found = '', end = ''] = stdout.trim().split('\n');
    expect(JSON.parse(found)).toEqual({ mutant, caughtBy: expect.stringContaining(how) as string });
    expect(JSON.parse(end)).toEqual({ planted: 1, caught: 1 });
    expect(code).toBe(0);
  },
  60_000,
);

test.each([
  [['--only', 'nobody'], `Allowed choices are ${mutants.map(({ name }) => name).join(', ')}`],
  [['--every', '0'], 'give a whole number of at least 1'],
  [['--every', 'abc'], 'give a whole number of at least 1'],
])('%j is wrong usage, and says what is right', async (args, said) => {
  const { code, stdout, stderr } = await runToEnd(program, args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(said);
  expect(stderr).not.toContain('    at ');
});

test('stopped it leaves no copy behind, and says what came of those that it has planted', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'bulkhead-test-'));
  try {
    const args = ['--json', '--only', 'delete-by-name', '--every', '1'];
    const planting = begin(program, args, { env: { TMPDIR: temporary } });
    await until('a copy is made', 20, () => Promise.resolve(readdirSync(temporary).length > 0));
    planting.kill('SIGTERM');
    const { code, stdout } = await planting.ended;
    expect(JSON.parse(stdout)).toEqual({ planted: 0, caught: 0, stoppedBy: 'SIGTERM' });
    expect(code).toBe(143);
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}, 60_000);

describe('of a product that is not as it should be', () => {
  let release: string;
  beforeAll(() => {
    release = publishesNothing();
    // Whence defects are planted.
    cpSync(join(root, 'workflows'), join(release, 'workflows'), { recursive: true });
  });
  afterAll(() => {
    rmSync(release, { recursive: true, force: true });
  });

  const args = ['--json', '--only', 'done-never-sent', '--every', '20'];

  test('what tells of it without a defect catches none', async () => {
    const { code, stdout } = await runToEnd(program, args, { release });
    const [found = '', end = ''] = stdout.trim().split('\n');
    expect(JSON.parse(found)).toEqual({
      mutant: 'done-never-sent',
      caughtBy: null,
      failsAsItIs: expect.stringContaining('instantiate: without any fault: ') as string,
    });
    expect(JSON.parse(end)).toEqual({ planted: 1, caught: 0 });
    expect(code).toBe(1);
  }, 60_000);

  test('that the faults could not be tried is said, and is no answer', async () => {
    const faults = 'throw new Error("it cannot be tried")';
    writeFileSync(join(release, 'dist/scripts/programs/faults/main.js'), faults);
    const { code, stdout, stderr } = await runToEnd(program, args, { release });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('it cannot be tried');
  }, 60_000);
});

test.each(mutants)('the defect $name fits the product as it is', ({ file, from }) => {
  expect(readFileSync(join(root, file), 'utf8').split(from)).toHaveLength(2);
});
