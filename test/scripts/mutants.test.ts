import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { mutants } from '../../scripts/programs/mutants/mutants';
import { runToEnd } from '../real/program';

/** Two of what `./scripts/mutants` plants, both soon told of. All of them take minutes. */
test.each([
  ['done-never-sent', 'the record had to clean up behind it'],
  ['undo-cancellable', 'the record had to clean up behind it'],
])(
  'the defect %s is told of',
  async (mutant, how) => {
    const args = ['--json', '--only', mutant, '--every', '20'];
    const { code, stdout } = await runToEnd('scripts/programs/mutants/main.js', args);
    const [found = '', end = ''] = stdout.trim().split('\n');
    expect(JSON.parse(found)).toEqual({ mutant, caughtBy: expect.stringContaining(how) as string });
    expect(JSON.parse(end)).toEqual({ planted: 1, caught: 1 });
    expect(code).toBe(0);
  },
  60_000,
);

test('a defect that there is not is said', async () => {
  const { code, stderr } = await runToEnd('scripts/programs/mutants/main.js', ['--only', 'nobody']);
  expect(stderr).toContain(`there are ${mutants.map(({ name }) => name).join(', ')}`);
  expect(code).toBe(1);
});

test.each(mutants)('the defect $name fits the product as it is', ({ file, from }) => {
  expect(readFileSync(join(root, file), 'utf8').split(from)).toHaveLength(2);
});
