import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { root } from '../../lib/root';
import type { Mutant } from './mutants';

export type Planted = Pick<Mutant, 'file' | 'from' | 'to'>;

/** Throws where the text is not there once. */
export function checkFits({ file, from }: Planted): void {
  if (readFileSync(join(root, file), 'utf8').split(from).length !== 2)
    throw new Error(
      `${file} does not have the text of this mutant once: bring scripts/programs/mutants/mutants.ts up to date`,
    );
}

/** A copy of the build, in which one file is another one. It is its caller's to remove. */
export function planted({ file, from, to }: Planted): string {
  const source = readFileSync(join(root, file), 'utf8');
  const directory = mkdtempSync(join(tmpdir(), 'bulkhead-mutant-'));
  cpSync(join(root, 'dist'), join(directory, 'dist'), { recursive: true });
  cpSync(join(root, 'descriptors'), join(directory, 'descriptors'), { recursive: true });
  for (const each of ['node_modules', 'package.json']) symlinkSync(join(root, each), join(directory, each));
  const { outputText } = transpileModule(source.replace(from, to), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2023, esModuleInterop: true },
  });
  writeFileSync(join(directory, 'dist', file.replace(/\.ts$/, '.js')), outputText);
  return directory;
}
