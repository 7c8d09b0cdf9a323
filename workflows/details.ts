import type { VnfRecord } from '../domain/record';
import { plain } from '../domain/markdown';
import { stuckSaid } from '../domain/stuck';
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

export function recordDetails(view: RecordView): string {
  const turn = view.turn ? `turn: **${view.turn.procedure}** (${plain(view.turn.workflowId)})` : 'turn: free';
  const lines = [
    `**${view.vnf}** ${view.phase}, revision ${String(view.revision)}; ${turn}; ${String(view.queue.length)} waiting; ${String(view.debts.length)} debts`,
    ...view.stuck.map((run) => `**${run.procedure}** (${run.workflowId}) ${stuckSaid(run)}`),
    ...(view.audited ? [auditedLine(view.audited)] : []),
    ...(view.cleaning ? ['cleaning up after a run that vanished'] : []),
    ...(view.blocked !== null ? [`**blocked**: ${plain(view.blocked)}`] : []),
  ];
  return `${lines.join('\n\n')}\n\n${hostPoolTable(view.pools)}`;
}
