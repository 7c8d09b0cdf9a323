import type { Capacity, Deaths, DomainCapacity, PoolCapacity, Ranges } from '../domain/explain/capacity';
import { blastSaid, type BlastRadius, type DomainBlastRadius, type Explanation } from '../domain/explain/explanation';
import { remediesSaid, remedySaid } from '../domain/explain/remedy';
import { own } from '../domain/names';
import { inLines } from '../domain/shown';
import { unescaped } from '../domain/markdown';
import { leftSaid, stuckSaid } from '../domain/stuck';
import type { Choice } from '../domain/explain/told';
import type { OrphansResult } from '../domain/procedures';
import type { RecordView } from '../domain/turn';
import { aligned } from './aligned';
import { mapOfCapacity, mapText } from './map';
import type { RunEnd, RunReport } from './run';

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
    ...auditedSaid(view),
    ...(view.cleaning ? ['cleaning up after a run that vanished'] : []),
    ...(view.blocked !== null ? [`BLOCKED: ${view.blocked}`] : []),
  ];
  return `${inLines(lines)}\n\n${statusTable(view)}`;
}

function auditedSaid({ audited }: RecordView): string[] {
  if (!audited) return [];
  const { revision, findings, more } = audited;
  const beyond = more > 0 ? [`and ${String(more)} more`] : [];
  return [
    `the last audit, at revision ${String(revision)}:`,
    ...[...findings.map(({ kind, name, wrong }) => `${kind} ${name}: ${wrong}`), ...beyond].map((line) => `  ${line}`),
  ];
}

/** More are in the JSON. */
const blastShown = 10;

/** What a plan does to a VNF, for a terminal: the host x pool table before and after, each step, and what a host's death would take. */
export function explanationText(vnf: string, explanation: Explanation): string {
  const { before, steps, after, blastRadius, domainBlastRadius = [], told } = explanation;
  const hosts = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const pools = [...new Set([...Object.values(before), ...Object.values(after)].flatMap((row) => Object.keys(row)))];
  const cell = (host: string, pool: string): string => {
    const [was, is] = [before, after].map((table) => own(own(table, host) ?? {}, pool) ?? 0);
    return was === is ? (is === 0 ? '.' : String(is)) : `${String(was)}>${String(is)}`;
  };
  const table = aligned([[vnf, ...pools], ...hosts.map((host) => [host, ...pools.map((pool) => cell(host, pool))])]);
  const verbs = { launch: 'launch', evacuate: 'evacuate', delete: 'drain and delete' } as const;
  const lines = [
    ...steps.map(
      ({ does, pool, members, hosts: on }, index) =>
        `${String(index + 1)}. ${verbs[does]} ${String(members)} of ${pool}: then ${Object.entries(on)
          .map(([host, count]) => `${host} has ${String(count)}`)
          .join(', ')}`,
    ),
    ...blastRadius.slice(0, blastShown).map((each) => `${blastSaid(each)}${blastBefore(each)}`),
    ...(blastRadius.length > blastShown ? [`and ${String(blastRadius.length - blastShown)} more hosts and pools`] : []),
    ...domainBlastRadius.slice(0, blastShown).map((each) => `${blastSaid(each)}${blastBefore(each)}`),
    ...(domainBlastRadius.length > blastShown
      ? [`and ${String(domainBlastRadius.length - blastShown)} more failure domains and pools`]
      : []),
    ...(told?.choices ?? []).map(choiceSaid),
    ...(told && told.remedies.length > 0 ? [remediesSaid(told.remedies)] : []),
  ];
  return [table, ...(lines.length > 0 ? [inLines(lines)] : [])].join('\n');
}

/** `web: not chosen: 2 CapReached, 1 Down; spare 1/3 at level 6 allows 2 on a host; …`. By host it is in the JSON. */
function choiceSaid({ pool, counts, constraint }: Choice): string {
  const reasons = Object.entries(counts).map(([reason, many]) => `${String(many)} ${reason}`);
  const said = reasons.length > 0 ? `not chosen: ${reasons.join(', ')}` : 'every host has some';
  return `${pool}: ${said}; ${constraint}`;
}

function blastBefore({ before, after }: BlastRadius | DomainBlastRadius): string {
  if (before.members === after.members && before.level === after.level) return '';
  return ` (now ${String(before.members)} of ${String(before.level)}, spare ${before.spare === 0 ? 'none' : String(before.spare)})`;
}

/** Where a run is, or how it ended; of one that is stuck, all that a person has to know to decide. */
export function runText(report: RunReport): string {
  const { what, stuck, stuckChildren, ended } = report;
  if (ended) return inLines([`${what}: ended, ${endSaid(ended)}`]);
  const children = stuckChildren.map(
    ({ vnf, workflowId, note }) => `waits for ${vnf}: the run ${workflowId} ${stuckSaid(note)}`,
  );
  if (stuck === null)
    return inLines([
      `${what}: at work, ${children.length > 0 ? 'not stuck itself' : 'not stuck'}`,
      ...whereSaid(report),
      ...children,
    ]);
  const { step, error, reason, left, retries, until, remedy } = stuck;
  return inLines([
    `${what}: STUCK in ${step}, until ${until}`,
    ...(retries > 0 ? [`tried again: ${String(retries)} times`] : []),
    `why it cannot: ${error.kind}: ${error.message}`,
    ...(reason ? [`why it went back: ${reason.kind}: ${reason.message}`] : []),
    `left: ${left === null ? 'the cloud has not said' : left.length === 0 ? 'nothing' : leftSaid(left)}`,
    `what to do: ${remedy}`,
    ...children,
  ]);
}

function endSaid({ outcome, kind, message }: RunEnd): string {
  return [outcome, ...(kind === null ? [] : [kind])].join(', ') + (message === null ? '' : `: ${message}`);
}

/** The step that it is at, and what fails in it. */
function whereSaid({ details, retrying }: RunReport): string[] {
  const [where = ''] = unescaped(details).split('\n');
  return [
    ...(where === '' ? [] : [`where it is: ${where}`]),
    ...retrying.map(
      ({ activity, attempt, kind, message }) =>
        `${activity} is tried again, attempt ${String(attempt)}; the last one failed: ${kind}: ${message}`,
    ),
  ];
}

/** What a VNF can be on a cloud, for a terminal. */
export function capacityText(capacity: Capacity): string {
  const { vnf, exists, pools, together, refusal, untold } = capacity;
  const keepsToDomains = pools.some(({ failureDomain }) => failureDomain);
  const rows = pools.map(
    ({ pool, zone, level, spare, cap, feasible, restorable, deaths, failureDomain, mostByQuota }) => [
      ...[pool, zone, String(level), spare, String(cap)],
      ...[rangesSaid(feasible), rangesSaid(restorable), deathsSaid(deaths)],
      ...(keepsToDomains ? domainSaid(failureDomain) : []),
      String(mostByQuota),
    ],
  );
  const head = [
    ...['pool', 'zone', 'level', 'spare', 'cap', 'feasible', 'restorable', 'hosts may die'],
    ...(keepsToDomains ? ['domain', 'its spare', 'its cap', 'may die'] : []),
    'quota to',
  ];
  return [
    inLines([
      exists ? `${vnf} as it is` : `${vnf} as instantiate would make it`,
      ...(refusal ? [`which is not possible now, ${refusal.kind}: ${refusal.message}`] : []),
      ...(untold === null ? [] : [untold]),
    ]),
    '',
    aligned([head, ...rows]),
    '',
    inLines([...pools.flatMap(poolSaid), ...(together ? [togetherSaid(together)] : [])]),
    '',
    mapText(mapOfCapacity(capacity)),
  ].join('\n');
}

function deathsSaid(deaths: number | null): string {
  return deaths === null ? '?' : String(deaths);
}

/** Of each VNF without a record what there is, and what to do about it. */
export function orphansText({ unrecorded }: OrphansResult): string {
  if (unrecorded.length === 0) return 'nothing: every VNF has a record';
  return inLines(
    unrecorded.flatMap(({ vnf, counts, things, remedy }) => {
      const untold = Object.values(counts).reduce((sum, many) => sum + many, 0) - things.length;
      return [
        `${vnf} has no record: ${remedy}`,
        ...things.map(({ kind, id, name }) => `  ${kind} ${name} (${id})`),
        ...(untold > 0 ? [`  and ${String(untold)} more`] : []),
      ];
    }),
  );
}

function domainSaid(domain: DomainCapacity | undefined): string[] {
  if (!domain) return ['-', '-', '-', '-'];
  const { key, spare, cap, deaths } = domain;
  return [key, spare, String(cap), deathsSaid(deaths)];
}

/** More are in the JSON. */
const rangesShown = 8;

/** `1-5, 10, 15`; `none`; `?` where nobody can tell. */
function rangesSaid(ranges: Ranges | null): string {
  if (ranges === null) return '?';
  if (ranges.length === 0) return 'none';
  const said = ranges.map(([from, to]) => (from === to ? String(from) : `${String(from)}-${String(to)}`));
  return said.length <= rangesShown ? said.join(', ') : `${said.slice(0, rangesShown).join(', ')}, …`;
}

function poolSaid(capacity: PoolCapacity): string[] {
  const { pool, deaths, oneMore, failed, inService, level, reasons, failureDomain: outer } = capacity;
  const lacks = level - inService;
  const hosts = Object.entries(reasons).map(([reason, many]) => `${String(many)} ${reason}`);
  return [
    ...(lacks > 0
      ? [`${pool} lacks ${String(lacks)} members${failed > 0 ? `, ${String(failed)} of them failed` : ''}`]
      : []),
    ...(outer && outer.inNone > 0 && outer.deaths !== null
      ? [`${pool}: ${String(outer.inNone)} of its members count in no ${outer.key}`]
      : []),
    ...(deaths === null
      ? []
      : [
          `${pool}: for ${String(deaths + 1)} hosts to die in a row it takes ${oneMore.length > 0 ? oneMore.map(remedySaid).join(', or ') : 'more than a small change'}`,
        ]),
    ...(hosts.length > 0 ? [`${pool}: hosts for one more: ${hosts.join(', ')}`] : []),
  ];
}

function togetherSaid({ deaths, orMore, hosts, short }: Deaths): string {
  const many = `all pools together, each time the worst host: ${String(deaths)}${orMore ? ' or more' : ''} may die in a row`;
  return short.length > 0
    ? `${many}; after ${hosts.join(', ')} there is no room for all of ${short.join(', ')}`
    : `${many}${hosts.length > 0 ? ` (${hosts.join(', ')})` : ''}`;
}
