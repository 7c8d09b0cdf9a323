import type { Procedure } from './side';

/** One round of one procedure: how long it took us, and whoever is beside us. */
export interface Sample {
  readonly procedure: Procedure;
  readonly vms: number;
  readonly beside: 'bare' | 'heat';
  readonly ourSeconds: number;
  readonly besideSeconds: number;
}

/** A line of the table: ratios of the rounds, each of two runs shortly after one another, and not of the medians. */
export interface Ratio {
  readonly procedure: Procedure;
  readonly as: 'operator' | 'tenant';
  readonly vms: number;
  readonly ratioMedian: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly beside: 'bare' | 'heat';
  readonly rounds: number;
  /** Medians. */
  readonly bulkheadSeconds: number;
  readonly besideSeconds: number;
}

export function ratiosOf(samples: readonly Sample[], as: Ratio['as']): Ratio[] {
  const keys = [...new Set(samples.map(({ procedure, beside }) => `${procedure} ${beside}`))];
  return keys.flatMap((key) => {
    const rounds = samples.filter(({ procedure, beside }) => `${procedure} ${beside}` === key);
    const [first] = rounds;
    if (!first) return [];
    const ratios = rounds.map(({ ourSeconds, besideSeconds }) => ourSeconds / besideSeconds);
    return {
      procedure: first.procedure,
      as,
      vms: Math.round(median(rounds.map(({ vms }) => vms))),
      ratioMedian: rounded(median(ratios), 2),
      ratioMin: rounded(Math.min(...ratios), 2),
      ratioMax: rounded(Math.max(...ratios), 2),
      beside: first.beside,
      rounds: rounds.length,
      bulkheadSeconds: rounded(median(rounds.map(({ ourSeconds }) => ourSeconds)), 1),
      besideSeconds: rounded(median(rounds.map(({ besideSeconds }) => besideSeconds)), 1),
    };
  });
}

/** The budgets, for an operator next to the bare script. Of anything else the ratio is reported. */
export function targetOf({ procedure, as, beside }: Pick<Ratio, 'procedure' | 'as' | 'beside'>): number | null {
  if (as !== 'operator' || beside !== 'bare') return null;
  return procedure === 'instantiate' || procedure === 'scaleOut' ? 1.1 : 1.15;
}

export function tableOf(ratios: readonly Ratio[]): string {
  const rows = ratios.map((ratio) => {
    const target = targetOf(ratio);
    return [
      ratio.procedure,
      ratio.as,
      String(ratio.vms),
      ratio.bulkheadSeconds.toFixed(1),
      `${ratio.beside} ${ratio.besideSeconds.toFixed(1)}`,
      ratio.ratioMedian.toFixed(2),
      `${ratio.ratioMin.toFixed(2)} to ${ratio.ratioMax.toFixed(2)}`,
      String(ratio.rounds),
      target === null ? '' : `${target.toFixed(2)}${ratio.ratioMedian <= target ? '' : ', missed'}`,
    ];
  });
  const head = ['procedure', 'as', 'VMs', 'Bulkhead s', 'beside s', 'ratio', 'spread', 'rounds', 'target'];
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
