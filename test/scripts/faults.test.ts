import { runToEnd } from '../real/program';

/** `./scripts/faults` as a person or a script uses it; what it tries is tried in test/virtual/moments*.test.ts. */

const program = 'scripts/programs/faults/main.js';

test('says how many cases it has tried of a procedure', async () => {
  const args = ['--json', '--procedure', 'scaleOut', '--fault', 'terminated', '--every', '50'];
  const { code, stdout } = await runToEnd(program, args);
  expect(JSON.parse(stdout)).toMatchObject({ procedure: 'scaleOut', failed: 0 });
  expect(code).toBe(0);
});

test.each([
  [['--procedure', 'nope'], /'nope' is invalid\. Allowed choices are instantiate, /],
  [['--fault', 'nope'], /'nope' is invalid\. Allowed choices are lostBefore, /],
  [['--every', '0'], /give a whole number of at least 1/],
  [['--procedure', 'scaleOut', '--fault', 'childTerminated'], /childTerminated befalls scaleOut at no moment/],
])('%j is wrong usage, and says what is right', async (args, said) => {
  const { code, stderr } = await runToEnd(program, args);
  expect(code).toBe(2);
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain('    at ');
});
