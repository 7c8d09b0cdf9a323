import type { Played, Procedure } from './side';

/** One round of one procedure: how long it took us, and whoever is beside us. */
export interface Sample {
  readonly procedure: Procedure;
  readonly vms: number;
  readonly beside: 'bare' | 'heat';
  readonly ours: Played;
  readonly theirs: Played;
}

/** What the clock stops at. Where nothing is replaced there is only the one. */
type Until = 'inService' | 'done';

/** A line of the table: ratios of the rounds, each of two runs shortly after one another, and not of the medians. */
export interface Ratio {
  readonly procedure: Procedure;
  readonly as: 'operator' | 'tenant';
  readonly vms: number;
  readonly ratioMedian: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly beside: 'bare' | 'heat';
  readonly until: Until;
  readonly rounds: number;
  /** Medians. */
  readonly bulkheadSeconds: number;
  readonly besideSeconds: number;
}

export function ratiosOf(samples: readonly Sample[], as: Ratio['as']): Ratio[] {
  const keyOf = ({ procedure, beside }: Sample): string => `${procedure} ${beside}`;
  return [...new Set(samples.map(keyOf))].flatMap((key) => {
    const rounds = samples.filter((sample) => keyOf(sample) === key);
    const [first] = rounds;
    if (!first) return [];
    const { procedure, beside } = first;
    const vms = Math.round(median(rounds.map((sample) => sample.vms)));
    const untils: readonly Until[] = isRecovery(procedure) ? ['inService', 'done'] : ['done'];
    return untils.map((until): Ratio => {
      const our = rounds.map(({ ours }) => secondsOf(ours, until));
      const their = rounds.map(({ theirs }) => secondsOf(theirs, until));
      const ratios = our.map((seconds, round) => seconds / (their[round] ?? NaN));
      return {
        ...{ procedure, as, vms },
        ratioMedian: rounded(median(ratios), 2),
        ratioMin: rounded(Math.min(...ratios), 2),
        ratioMax: rounded(Math.max(...ratios), 2),
        ...{ beside, until },
        rounds: rounds.length,
        bulkheadSeconds: rounded(median(our), 1),
        besideSeconds: rounded(median(their), 1),
      };
    });
  });
}

function isRecovery(procedure: Procedure): boolean {
  return procedure === 'heal' || procedure === 'evacuateHost';
}

function secondsOf({ seconds, servedSeconds }: Played, until: Until): number {
  return until === 'done' ? seconds : servedSeconds;
}

/**
 * The budgets, for an operator next to the bare script: recovery is over when the replacements serve. Of anything else the ratio is
 * reported.
 */
export function targetOf(of: Pick<Ratio, 'procedure' | 'as' | 'beside' | 'until'>): number | null {
  if (of.as !== 'operator' || of.beside !== 'bare') return null;
  if (!isRecovery(of.procedure)) return 1.1;
  return of.until === 'inService' ? 1.15 : null;
}

export function tableOf(ratios: readonly Ratio[]): string {
  const rows = ratios.map((ratio) => {
    const target = targetOf(ratio);
    return [
      ratio.procedure,
      ratio.as,
      String(ratio.vms),
      ratio.until === 'done' ? 'done' : 'in service',
      ratio.bulkheadSeconds.toFixed(1),
      `${ratio.beside} ${ratio.besideSeconds.toFixed(1)}`,
      ratio.ratioMedian.toFixed(2),
      `${ratio.ratioMin.toFixed(2)} to ${ratio.ratioMax.toFixed(2)}`,
      String(ratio.rounds),
      target === null ? '' : `${target.toFixed(2)}${ratio.ratioMedian <= target ? '' : ', missed'}`,
    ];
  });
  const head = ['procedure', 'as', 'VMs', 'until', 'Bulkhead s', 'beside s', 'ratio', 'spread', 'rounds', 'target'];
  const rule = head.map(() => '---');
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
