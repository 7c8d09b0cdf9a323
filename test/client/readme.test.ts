import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { procedureInputs } from '../../domain/procedures';
import { root } from '../../scripts/lib/root';
import { startWorld, type World } from '../real/world';

/** What the documents show works as it stands there: they are the first thing that an integrator copies. */

const run = promisify(execFile);
const documents = ['README.md', 'docs/integrating.md', 'docs/operating.md', 'docs/security.md', 'docs/stuck.md'];

function text(document: string): string {
  return readFileSync(join(root, document), 'utf8');
}

/** The code blocks of a document that are in this language. */
function blocks(document: string, language: string): string[] {
  return [...text(document).matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, code]) =>
    name === language && code !== undefined ? [code] : [],
  );
}

const executes = documents.flatMap((document) =>
  [...text(document).matchAll(/temporal workflow (?:execute|start) .*?--type (\w+)[^\n]*--input '([^']*)'/g)].map(
    ([, type = '', input = '']) => ({ document, type, input }),
  ),
);

test('the README shows each procedure on the command line of Temporal', () => {
  const shown = new Set(executes.filter(({ document }) => document === 'README.md').map(({ type }) => type));
  const callable = Object.keys(procedureInputs).filter((name) => name !== 'evacuateVnf');
  expect([...shown].sort()).toEqual(callable.sort());
});

test.each(executes)('$document: $type takes $input', ({ type, input }) => {
  const schema = Object.entries(procedureInputs).find(([name]) => name === type)?.[1];
  const parsed = schema?.safeParse(JSON.parse(input));
  expect(parsed?.error).toBeUndefined();
  expect(parsed?.success).toBe(true);
});

test.each(documents)('%s links to files that are there', (document) => {
  const links = [...text(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link ?? '');
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(() => readFileSync(join(root, document, '..', link))).not.toThrow(/ENOENT/);
});

describe('the snippets of the client library', () => {
  const [snippet = ''] = blocks('README.md', 'ts');
  /** By file name, what is compiled. */
  const sources: Readonly<Record<string, string>> = {
    readme: snippet,
    'wrong-input': snippet.replace('to: 9', "to: 'nine'"),
    'wrong-result': snippet.replace('result.levels', 'result.level'),
    ...Object.fromEntries(blocks('docs/integrating.md', 'ts').map((code, at) => [`integrating-${String(at)}`, code])),
  };
  let directory: string;
  let problems: readonly { file: string; message: string }[];

  /** A project of its own with the library among its dependencies, as an NFVO would have it. */
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-nfvo-'));
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(root, join(directory, 'node_modules/bulkhead'));
    const files = Object.entries(sources).map(([name, code]) => {
      const file = join(directory, `${name}.mts`);
      writeFileSync(file, code);
      return file;
    });
    const program = ts.createProgram(files, {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    });
    problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => ({
      file: basename(file?.fileName ?? '', '.mts'),
      message: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }));
    program.emit();
  }, 60_000);

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('have types that a strict compiler takes, and that find a mistake', () => {
    expect(Object.keys(sources)).toContain('integrating-0');
    const inFile = (name: string): string[] =>
      problems.flatMap(({ file, message }) => (file === name ? [message] : []));
    expect(inFile('wrong-input')).toContainEqual(
      expect.stringContaining("'string' is not assignable to type 'number'"),
    );
    expect(inFile('wrong-result')).toContainEqual(expect.stringContaining("'level' does not exist"));
    expect(problems.filter(({ file }) => !file.startsWith('wrong-'))).toEqual([]);
  });

  describe('run', () => {
    let world: World;

    beforeAll(async () => {
      world = await startWorld();
      await world.bulkhead.instantiate({ vnf: 'ims1', descriptor: 'clearwater' });
    }, 120_000);

    afterAll(async () => {
      await world.stop();
    }, 60_000);

    test('do what they say, and show the failure when they are run again', async () => {
      const compiled = readFileSync(join(directory, 'readme.mjs'), 'utf8');
      const here = compiled.replace('127.0.0.1:7233', world.stack.temporal.address);
      expect(here).not.toBe(compiled);
      const file = join(directory, 'here.mjs');
      writeFileSync(file, here);
      const first = await run(process.execPath, [file]);
      expect(first.stdout).toMatch(/sprout: \{ from: \d, to: 9 \}/);
      expect(first.stdout).toMatch(/'ims1-sprout-\d+ on cmp-\d+'/);
      const again = await run(process.execPath, [file]);
      expect(again.stdout).toMatch(/^InvalidRequest refused \{/);
    }, 60_000);
  });
});
