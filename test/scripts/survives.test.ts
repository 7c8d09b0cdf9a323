import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from '../../scripts/lib/root';
import { faults } from '../../scripts/lib/virtual/faults';
import { specs } from '../../scripts/lib/virtual/specs';
import { strikes } from '../procedures/strikes';

/** Each row of *what survives what* says by what it is tried, and all of that is there. */

const document = 'docs/survives.md';

interface Row {
  readonly what: string;
  /** What the search tries, and a test that plays an example. */
  readonly tried: readonly [string, string];
}

const rows = readFileSync(join(root, document), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 6 && !/^(-+|what dies or fails)$/.test(cells[1] ?? ''))
  .map(([, what = '', , search = '', example = '']): Row => ({ what, tried: [search, example] }));

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, each]) => each ?? []);
}

/** `test/procedures/*` is each test in there. */
function testsAt(path: string): string[] {
  const at = join(root, path);
  if (basename(path) !== '*') return existsSync(at) ? [at] : [];
  const directory = dirname(at);
  return readdirSync(directory)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(directory, name));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(join(root, path), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why there is no such thing to try it by. Null where there is. */
function missing(named: string): string | null {
  const [command = ''] = named.split(' ');
  if (command.startsWith('./scripts/')) {
    if (!isExecutable(command)) return 'there is no such command';
    const [, inQuotes, plain] = / --procedure (?:'([^']+)'|(\S+))/.exec(named) ?? [];
    const procedure = inQuotes ?? plain;
    return procedure === undefined || specs.some(({ name }) => name === procedure) ? null : 'faults knows none';
  }
  if (named.startsWith('test/')) return testsAt(named).length > 0 ? null : 'there is no such test';
  return [...faults, ...strikes].some((each) => each === named) ? null : 'there is no such fault';
}

test('there are rows', () => {
  expect(rows.length).toBeGreaterThan(20);
});

test.each(rows)('$what: what it is tried by exists', ({ tried }) => {
  const named = tried.flatMap(quoted);
  expect(named.filter((each) => !strikes.some((strike) => strike === each)).length).toBeGreaterThan(0);
  expect(named.flatMap((each) => missing(each) ?? [])).toEqual([]);
  // A strike is one of the tests that are named before it.
  for (const cell of tried)
    if (
      quoted(cell).some((each) => strikes.some((strike) => strike === each) && !faults.some((fault) => fault === each))
    )
      expect(cell).toContain('test/procedures/');
  for (const cell of tried) for (const name of titlesIn(cell)) expect(sourcesIn(cell)).toContain(name);
});

/** Names of tests, where they are said. */
function titlesIn(cell: string): string[] {
  return [...cell.matchAll(/(?<!\*)\*([^*`|]+)\*(?!\*)/g)].flatMap(([, title]) => title ?? []);
}

/** Of the tests that a cell names, and of what stands beside them: the four of every procedure are written once. */
function sourcesIn(cell: string): string {
  const tests = quoted(cell).flatMap(testsAt);
  const beside = [...new Set(tests.map((test) => dirname(test)))].flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(directory, name)),
  );
  return beside.map((path) => readFileSync(path, 'utf8')).join('\n');
}

test('every fault that is tried is in a row', () => {
  const named = new Set(rows.flatMap(({ tried }) => quoted(tried[0])));
  expect(faults.filter((fault) => !named.has(fault))).toEqual([]);
});

test.each([...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)#]+)/g)].map(([, to = '']) => to))(
  'it links to %s, which is there',
  (to) => {
    expect(existsSync(join(root, 'docs', to))).toBe(true);
  },
);
