import { Lexer, Parser, parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { contradictions, type Problem } from './contradictions';
import type { Descriptor } from './descriptor';
import { legible } from './legible';
import { descriptorSchema } from './schema';

export type ParsedDescriptor =
  | { readonly ok: true; readonly descriptor: Descriptor }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** More problems than a person reads at once; a failure must carry them. */
const problemsMax = 100;
/** Characters. A file of 50 pools has fewer, and no text of this size keeps the YAML parser busy for long. */
const textMax = 65_536;
/** A descriptor nests less than ten deep; the YAML parser calls itself for each level, and a worker must survive that. */
const nestingMax = 50;
/** An unknown key is said with its beginning. */
const keyMax = 60;

/** A descriptor as data (from YAML, JSON, or parsed before). Refused with all its problems in one go. */
export function parseDescriptor(input: unknown): ParsedDescriptor {
  const parsed = descriptorSchema.safeParse(input);
  const malformed = parsed.success ? [] : parsed.error.issues.flatMap(problemsOf);
  const problems = [...malformed, ...contradictions(legible(input))];
  return parsed.success && problems.length === 0
    ? { ok: true, descriptor: parsed.data }
    : { ok: false, problems: shortened(problems) };
}

/** YAML or JSON text: JSON is YAML. */
export function parseDescriptorText(text: string): ParsedDescriptor {
  if (text.length > textMax) return unreadable(`a descriptor has at most ${String(textMax)} characters`);
  let data: unknown;
  try {
    if (nestsTooDeep(text)) return unreadable(`a descriptor nests at most ${String(nestingMax)} deep`);
    data = parseYaml(text);
  } catch (error) {
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return unreadable(`this is neither YAML nor JSON: ${said.replace(/:$/, '')}`);
  }
  return parseDescriptor(data);
}

function unreadable(message: string): ParsedDescriptor {
  return { ok: false, problems: [{ path: '(descriptor)', message }] };
}

/** The parser of tokens, unlike that of values, has a stack of its own. */
function nestsTooDeep(text: string): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // A generator: it parses as far as it is asked for.
    Array.from(parser.next(lexeme));
    if (parser.stack.length > nestingMax) return true;
  }
  return false;
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: said(issue.path), message: issue.message }];
  return issue.keys.map((whole) => {
    const key = whole.length > keyMax ? `${whole.slice(0, keyMax)}…` : whole;
    return {
      path: said([...issue.path, key]),
      message: `there is no such key; remove ${key}, or look for a misspelling`,
    };
  });
}

function said(path: readonly PropertyKey[]): string {
  return path.map(String).join('.') || '(descriptor)';
}

function shortened(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= problemsMax) return problems;
  const left = problems.length - problemsMax;
  return [
    ...problems.slice(0, problemsMax),
    { path: '(descriptor)', message: `there are ${String(left)} more problems; mend these first` },
  ];
}
