import type { VnfRecord } from '../domain/record';
import { plain } from '../domain/markdown';
import { bulkheadCommand } from '../domain/shell';
import { leftSaid, lineOf, stuckSaid, type ChildStuck, type StuckNote, type StuckView } from '../domain/stuck';
import type { Audited, RecordView } from '../domain/turn';

/** Markdown for the Web UI: short, since it is clipped at a few rows in the overview. */

/** More hosts than this make a table that nobody reads there; the command line has the whole of it. */
const hostsShownMax = 40;

/** Members by pool and host: `in service`, and `+n failed` where there are any. */
export function hostPoolTable(pools: VnfRecord['pools']): string {
  const names = Object.keys(pools);
  const hosts = [
    ...new Set(
      Object.values(pools).flatMap((pool) => [...pool.inService, ...pool.failed].map((member) => member.host)),
    ),
  ].sort();
  const cell = (host: string, name: string): string => {
    const pool = pools[name];
    const serving = pool?.inService.filter((member) => member.host === host).length ?? 0;
    const failed = pool?.failed.filter((member) => member.host === host).length ?? 0;
    return `${serving > 0 ? String(serving) : ''}${failed > 0 ? ` +${String(failed)} failed` : ''}`;
  };
  const rows = hosts
    .slice(0, hostsShownMax)
    .map((host) => `| ${plain(host)} | ${names.map((name) => cell(host, name)).join(' | ')} |`);
  const head = [`| host | ${names.join(' | ')} |`, `| --- |${names.map(() => ' ---: |').join('')}`];
  const total = `| **level** | ${names.map((name) => String(pools[name]?.level ?? 0)).join(' | ')} |`;
  const more = hosts.length > hostsShownMax ? [`\n… and ${String(hosts.length - hostsShownMax)} more hosts`] : [];
  return [...head, ...rows, total, ...more].join('\n');
}

function auditedLine({ findings, more }: Audited): string {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return `the last audit found ${String(findings.length + more)}: ${plain(kinds.join(', '))}`;
}

/** What it is stuck in, and the whole of why. */
const stuckSaidMax = 1_200;

export function recordDetails(view: RecordView): string {
  const turn = view.turn ? `turn: **${view.turn.procedure}** (${plain(view.turn.workflowId)})` : 'turn: free';
  const lines = [
    `**${view.vnf}** ${view.phase}, revision ${String(view.revision)}; ${turn}; ${String(view.queue.length)} waiting; ${String(view.debts.length)} debts`,
    ...view.stuck.map(
      (run) => `**${run.procedure}** (${plain(run.workflowId)}) ${plain(stuckSaid(run), stuckSaidMax)}`,
    ),
    ...(view.audited ? [auditedLine(view.audited)] : []),
    ...(view.cleaning ? ['cleaning up after a run that vanished'] : []),
    ...(view.blocked !== null ? [`**blocked**: ${plain(view.blocked)}`] : []),
  ];
  return `${lines.join('\n\n')}\n\n${hostPoolTable(view.pools)}`;
}

/** Room for three commands with the longest workflow id, and for the names of all leftovers that are said. */
const longMax = 16_000;

/** Of a run that is stuck. The first line is all that some show. */
export function stuckDetails(what: string, { step, error, reason, left, remedy, retries }: StuckView): string {
  const again = retries > 0 ? ` (tried again ${String(retries)} times)` : '';
  return [
    `${plain(what)} is **stuck** in ${plain(step)}${again}: ${plain(lineOf(error.message))}`,
    plain(remedy, longMax),
    ...(reason ? [`It went back because: ${plain(lineOf(reason.message))}`] : []),
    left ? `Left: ${left.length > 0 ? plain(leftSaid(left), longMax) : 'nothing'}` : 'Left: the cloud has not said yet',
  ].join('\n\n');
}

/** Of one that waits for others that are. */
export function childrenDetails(
  what: string,
  children: readonly (ChildStuck & { readonly note: StuckNote })[],
): string {
  return children
    .map(({ vnf, workflowId, note: { step, until, message } }) => {
      const retry = plain(bulkheadCommand('retry', workflowId), longMax);
      return `${plain(what)} waits for ${plain(vnf)}, whose part is **stuck** in ${plain(step)} until ${plain(until)}: ${plain(message)}\n\nTell ${plain(workflowId)} what to do: "${retry}", skip or give-up.`;
    })
    .join('\n\n');
}
