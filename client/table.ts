import { blastSaid, type BlastRadius, type Explanation } from '../domain/explain';
import { leftSaid, stuckSaid, type RunView } from '../domain/stuck';
import type { RecordView } from '../domain/turn';

/** The host x pool table for a terminal: members in service, and how many failed. */
export function statusTable(view: RecordView): string {
  const pools = Object.keys(view.pools);
  const all = Object.values(view.pools).flatMap((pool) => [...pool.inService, ...pool.failed]);
  const hosts = [...new Set(all.map((member) => member.host))].sort();
  const cell = (host: string, name: string): string => {
    const pool = view.pools[name];
    const serving = pool?.inService.filter((member) => member.host === host).length ?? 0;
    const failed = pool?.failed.filter((member) => member.host === host).length ?? 0;
    if (serving + failed === 0) return '.';
    return `${serving > 0 ? String(serving) : ''}${failed > 0 ? `!${String(failed)}` : ''}`;
  };
  const rows = [
    ['host', ...pools],
    ...hosts.map((host) => [host, ...pools.map((name) => cell(host, name))]),
    ['level', ...pools.map((name) => String(view.pools[name]?.level ?? 0))],
  ];
  return aligned(rows);
}

export function statusText(view: RecordView): string {
  const lines = [
    `${view.vnf}: ${view.phase}, revision ${String(view.revision)}`,
    view.turn ? `turn: ${view.turn.procedure} (workflow ${view.turn.workflowId})` : 'turn: free',
    ...(view.queue.length > 0 ? [`waiting: ${view.queue.map((ask) => ask.procedure).join(', ')}`] : []),
    ...view.debts.map(
      (debt) =>
        `debt of ${debt.workflowId}: ${String(debt.stages.flat().reduce((sum, lot) => sum + lot.members.length, 0))} members to drain and delete`,
    ),
    ...view.stuck.map((run) => `STUCK: ${run.procedure} (workflow ${run.workflowId}) ${stuckSaid(run)}`),
    ...(view.cleaning ? ['cleaning up after a run that vanished'] : []),
    ...(view.blocked !== null ? [`BLOCKED: ${view.blocked}`] : []),
  ];
  return `${lines.join('\n')}\n\n${statusTable(view)}`;
}

/** More are in the JSON. */
const blastShown = 10;

/** What a plan does to a VNF, for a terminal: the host x pool table before and after, each step, and what a host's death would take. */
export function explanationText(vnf: string, { before, steps, after, blastRadius }: Explanation): string {
  const hosts = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const pools = [...new Set([...Object.values(before), ...Object.values(after)].flatMap((row) => Object.keys(row)))];
  const cell = (host: string, pool: string): string => {
    const [was, is] = [before, after].map((table) => table[host]?.[pool] ?? 0);
    return was === is ? (is === 0 ? '.' : String(is)) : `${String(was)}>${String(is)}`;
  };
  const table = aligned([[vnf, ...pools], ...hosts.map((host) => [host, ...pools.map((pool) => cell(host, pool))])]);
  const verbs = { launch: 'launch', evacuate: 'evacuate', delete: 'drain and delete' } as const;
  return [
    table,
    ...steps.map(
      ({ does, pool, members, hosts: on }, index) =>
        `${String(index + 1)}. ${verbs[does]} ${String(members)} of ${pool}: then ${Object.entries(on)
          .map(([host, count]) => `${host} has ${String(count)}`)
          .join(', ')}`,
    ),
    ...blastRadius.slice(0, blastShown).map((each) => `${blastSaid(each)}${blastBefore(each)}`),
    ...(blastRadius.length > blastShown ? [`and ${String(blastRadius.length - blastShown)} more hosts and pools`] : []),
  ].join('\n');
}

function blastBefore({ before, after }: BlastRadius): string {
  if (before.members === after.members && before.level === after.level) return '';
  return ` (now ${String(before.members)} of ${String(before.level)}, spare ${before.spare === 0 ? 'none' : String(before.spare)})`;
}

/** Of a run that is stuck, all that a person has to know to decide. */
export function runText({ what, stuck, stuckChildren }: RunView): string {
  const children = stuckChildren.map(
    ({ vnf, workflowId, note }) => `waits for ${vnf}: the run ${workflowId} ${stuckSaid(note)}`,
  );
  if (stuck === null)
    return [`${what}: ${children.length > 0 ? 'not stuck itself' : 'not stuck'}`, ...children].join('\n');
  const { step, error, reason, left, retries, until, remedy } = stuck;
  return [
    `${what}: STUCK in ${step}, until ${until}`,
    ...(retries > 0 ? [`tried again: ${String(retries)} times`] : []),
    `why it cannot: ${error.kind}: ${error.message}`,
    ...(reason ? [`why it went back: ${reason.kind}: ${reason.message}`] : []),
    `left: ${left === null ? 'the cloud has not said' : left.length === 0 ? 'nothing' : leftSaid(left)}`,
    `what to do: ${remedy}`,
    ...children,
  ].join('\n');
}

/** The first column to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
