import { requests, type RequestName } from './cases';
import type { Measured } from './measure';

/** The budget of the design, on one core. */
const target = { request: 'evacuateHost', hosts: 1_000, members: 10_000, milliseconds: 20 } as const;

/** A table of times, one of memory and one of moves, with a column for each size. */
export function tablesOf(all: readonly Measured[]): string[] {
  const columns = [...new Set(all.map(sizeOf))];
  const table = (title: string, cellOf: (at: Measured, before: Measured | undefined) => string): string[] => [
    `| ${[title, ...columns].join(' | ')} |`,
    `| ${['---', ...columns.map(() => '---')].join(' | ')} |`,
    ...requests.map((request) => {
      const row = all.filter((each) => each.request === request);
      return `| ${[request, ...row.map((at, index) => cellOf(at, row[index - 1]))].join(' | ')} |`;
    }),
    '',
  ];
  return [
    ...table('ms', (at, before) => `${String(at.milliseconds)}${growthOf(at, before, 'milliseconds')}`),
    ...table('MB', (at, before) => `${String(at.megabytes)}${growthOf(at, before, 'megabytes')}`),
    ...table('moves of least', ({ moves, optimumMoves, outcome }) =>
      outcome === 'planned' ? `${String(moves)} of ${optimumMoves === null ? '?' : String(optimumMoves)}` : outcome,
    ),
    targetLine(all),
  ];
}

const outcomes: Partial<Record<RequestName, string>> = {
  'scaleOut refused': 'Impossible',
  'capacity in racks': 'told',
};

/** Where a plan moves more than it need, or one of the two outcomes is not what it has to be. */
export function problemsIn(all: readonly Measured[]): string[] {
  return all.flatMap((at) => {
    const { request, outcome, moves, optimumMoves } = at;
    const where = `${request}, ${sizeOf(at)}`;
    const wanted = outcomes[request] ?? 'planned';
    if (outcome !== wanted) return [`${where}: ${outcome}, and not ${wanted}`];
    return optimumMoves !== null && moves !== optimumMoves
      ? [`${where}: ${String(moves)} moves, and ${String(optimumMoves)} are enough`]
      : [];
  });
}

function targetLine(all: readonly Measured[]): string {
  const { request, hosts, members, milliseconds } = target;
  const at = all.find((each) => each.request === request && each.hosts === hosts && each.members === members);
  const asked = `${request}, ${sizeOf(target)}: at most ${String(milliseconds)} ms`;
  if (!at) return `${asked}; not measured`;
  return `${asked}: ${String(at.milliseconds)} ms, ${at.milliseconds <= milliseconds ? 'met' : 'MISSED'}`;
}

function sizeOf({ hosts, members }: Pick<Measured, 'hosts' | 'members'>): string {
  return `${hosts.toLocaleString('en')} hosts, ${members.toLocaleString('en')} members`;
}

/** The exponent e where it has grown like members^e since the column before: 1 is linear, 2 quadratic. */
function growthOf(at: Measured, before: Measured | undefined, of: 'milliseconds' | 'megabytes'): string {
  if (!before || before[of] <= 0) return '';
  const exponent = Math.log(at[of] / before[of]) / Math.log(at.members / before.members);
  return ` (${exponent.toFixed(2)})`;
}
