import { patched, workflowInfo } from '@temporalio/workflow';
import type { Finding } from '../../domain/audit';
import { auditScheduleId } from '../../domain/names';
import type { ChangeRequest } from '../../domain/plan';
import type { AuditResult } from '../../domain/procedures';
import type { Member, VnfRecord } from '../../domain/record';
import { auditedMax, type RecordRead } from '../../domain/turn';
import { openChannel, type Channel } from '../channel';
import { asFailure } from '../failures';
import { parseInput } from '../input';
import { cloud, record as recordPort } from '../ports';
import { mark, say } from '../progress';
import type { Step, Table } from '../run';
import { removeLeftOver } from '../steps/leftOver';
import { change, marked } from './change';
import { cleanUp, type CleanUpInput, type CleanUpResult } from './cleanUp';

/**
 * Compares the cloud with the record. `{"vnf": "ims1"}` says what differs; `{"vnf": "ims1", "repair": true}` also mends what is surely ours.
 *
 * It is dry by default and takes no turn then: what bears the tokens of runs at work is theirs, and not judged. Each VNF has a Temporal
 * Schedule that runs it.
 *
 * Under `audit:<vnf>:<token>` the record itself runs it, as the clean-up behind a run that vanished.
 */
export async function audit(raw: unknown): Promise<AuditResult | CleanUpResult> {
  if (workflowInfo().workflowId.startsWith('audit:')) return await cleanUp(raw as CleanUpInput);
  const input = parseInput('audit', raw);
  const { vnf, ifBusy, waitSeconds } = input;
  const procedure = 'audit';
  mark({ vnf, phase: 'asking' });
  return await marked(async () => {
    const channel = openChannel(vnf);
    const view = await readRecord(vnf);
    if (!input.repair || input.dryRun) {
      const seen = await lookedAt(view);
      if (seen.steady) await tellRecord(channel, view, seen);
      return ended(seen);
    }
    const done: Repair = { seen: { findings: [], more: 0 }, after: [], refused: {} };
    const wish = { procedure, class: 'normal', ifBusy, waitSeconds } as const;
    await change({ procedure, vnf, channel, wish, table: repairTable(channel, done), request: () => nothing });
    const result = repairResult(vnf, done);
    await tellRecord(channel, view, result);
    return told(result);
  });
}

/** Its status has what was left. A VNF of which nothing is found, and nothing was, costs no event. */
async function tellRecord(channel: Channel, { audited }: RecordRead, result: AuditResult): Promise<void> {
  const { revision, findings, more, repaired } = result;
  const left = findings.filter(({ id }) => !repaired.some((each) => each.id === id));
  // Audits of earlier releases told nobody.
  if ((left.length === 0 && audited === undefined) || !patched('audit-told')) return;
  const listed = left.slice(0, auditedMax).map(({ kind, name, wrong }) => ({ kind, name, wrong }));
  await channel.audited({ revision, findings: listed, more: more + left.length - listed.length });
}

/** It plans nothing. */
const nothing: ChangeRequest = { kind: 'replaceMembers', members: [] };

/** A schedule that has outlived its VNF, since whoever was to take it away could not, goes with its next run. */
async function readRecord(vnf: string): Promise<RecordRead> {
  try {
    return await recordPort().readRecord({ vnf });
  } catch (error) {
    const isScheduled = workflowInfo().memo?.['schedule'] === auditScheduleId(vnf);
    if (isScheduled && asFailure(error)?.kind === 'UnknownVnf') await recordPort().unscheduleAudits({ vnf });
    throw error;
  }
}

/** Looks again as often as this where the record has changed under the look. */
const looksMax = 3;

async function lookedAt(first: RecordRead): Promise<AuditResult> {
  const timing = await recordPort().readTiming();
  const { vnf } = first;
  for (let view = first, looks = 1; ; looks++) {
    const inHand = view.turn ? [view.turn.token] : [];
    const found = await cloud(timing).compare.executeWithOptions({ summary: `compare ${vnf} with its record` }, [
      { record: recordIn(view), inHand },
    ]);
    const now = await recordPort().readRecord({ vnf });
    const steady = isSame(view, now);
    if (steady || looks >= looksMax)
      return {
        outcome: 'completed',
        procedure: 'audit',
        vnf,
        revision: view.revision,
        repair: false,
        ...found,
        repaired: [],
        refused: {},
        atWork: [...(view.turn ? [view.turn.workflowId] : []), ...view.debts.map(({ workflowId }) => workflowId)],
        steady: steady && !view.cleaning,
      };
    view = now;
  }
}

/** Nobody has begun, committed, paid or cleaned up anything between the two. */
function isSame(a: RecordRead, b: RecordRead): boolean {
  const said = ({ revision, turn, debts, cleaning }: RecordRead): string =>
    JSON.stringify([revision, turn?.token, debts.map(({ token }) => token), cleaning]);
  return said(a) === said(b);
}

function recordIn({ vnf, descriptor, phase, revision, pools, groups, debts }: RecordRead): VnfRecord {
  return { vnf, descriptor, phase, revision, pools, groups, debts };
}

interface Found {
  readonly findings: readonly Finding[];
  readonly more: number;
}

/** What the steps of a repair tell one another. */
interface Repair {
  seen: Found;
  /** What is found when it is done. */
  after: readonly Finding[];
  refused: Readonly<Record<string, string>>;
  record?: VnfRecord;
}

/**
 * | step | undo |
 * | --- | --- |
 * | compare | nothing to undo |
 * | delete what is left over: servers, then ports, rules, security groups, server groups; make rules that are missing; tag again members that have lost their tags | none: nobody has what is deleted, and nothing of it can be made again. So it is the pivot |
 * | report the missing dead | none: they are |
 * | compare again | nothing to undo |
 *
 * What bears the token of an open debt is its debtor's, and stays. It commits nothing: what changes in the record are deaths, by their
 * own message.
 */
function repairTable(channel: Channel, done: Repair): Table {
  const compared: Step = {
    name: 'compare',
    action: async (turn) => {
      done.record = turn.record;
      const { findings, more } = await cloud(turn.timing).compare({ record: turn.record, inHand: [] });
      done.seen = { findings, more };
    },
  };
  const deleted: Step = {
    name: 'delete',
    action: async (turn) => {
      const { ref, vnf, timing } = turn;
      const ports = cloud(timing, { retrySeconds: timing.undoSeconds });
      await removeLeftOver(turn, done.seen.findings, ports);
      const [rules, securityGroups, serverGroups] = (
        ['leftoverRule', 'leftoverSecurityGroup', 'leftoverServerGroup'] as const
      ).map((kind) => idsOf(done.seen.findings, kind));
      if (!rules || !securityGroups || !serverGroups) return;
      const { descriptor, groups } = turn.record;
      const ids = [...new Set(idsOf(done.seen.findings, 'missingRule'))];
      const untagged = membersToTag(done.seen.findings, turn.record);
      if (rules.length + securityGroups.length + serverGroups.length + ids.length + untagged.length === 0) return;
      const lacking = ids.length > 0 ? { lacking: { descriptor, groups, ids } } : {};
      const made = { ...lacking, untagged };
      const left = await ports.repair({ turn: ref, vnf, rules, securityGroups, serverGroups, ...made, timing });
      done.refused = Object.fromEntries(left.map(({ id, why }) => [id, why]));
    },
  };
  const reported: Step = {
    name: 'report the missing',
    action: async () => {
      const members = done.seen.findings.flatMap(({ action, pool, ordinal }) =>
        action === 'reportDead' && pool !== undefined && ordinal !== undefined ? [{ pool, ordinal }] : [],
      );
      if (members.length > 0) await channel.bury({ members, evidence: 'seen' });
    },
  };
  const comparedAgain: Step = {
    name: 'compare again',
    action: async (turn) => {
      if (done.seen.findings.every(({ action }) => action === 'leave')) {
        done.after = done.seen.findings;
        return;
      }
      const ports = cloud(turn.timing, { retrySeconds: turn.timing.undoSeconds });
      const { findings } = await ports.compare({ record: turn.record, inHand: [] });
      // Who was reported dead is still missing in the record as it was granted.
      done.after = findings.filter(({ action }) => action !== 'reportDead');
    },
  };
  return { back: [compared], pivot: deleted, forward: [reported, comparedAgain] };
}

/** Of the record's own words: a finding does not say which token its member has. */
function membersToTag(findings: readonly Finding[], { pools }: VnfRecord): Member[] {
  const ids = new Set(findings.flatMap(({ action, id }) => (action === 'tag' ? [id] : [])));
  const members = Object.values(pools).flatMap(({ inService, failed }) => [...inService, ...failed]);
  return members.filter(({ serverId }) => ids.has(serverId));
}

function idsOf(findings: readonly Finding[], kind: Finding['kind']): string[] {
  return findings.flatMap((each) => (each.kind === kind && each.action !== 'leave' ? [each.id] : []));
}

function repairResult(vnf: string, { seen, after, refused, record }: Repair): AuditResult {
  const left = new Set(after.map(({ id }) => id));
  return {
    outcome: 'completed',
    procedure: 'audit',
    vnf,
    revision: record?.revision ?? 0,
    repair: true,
    findings: seen.findings,
    more: seen.more,
    repaired: seen.findings.filter(({ action, id }) => action !== 'leave' && !left.has(id)),
    refused,
    atWork: record?.debts.map(({ workflowId }) => workflowId) ?? [],
    steady: true,
  };
}

function ended(result: AuditResult): AuditResult {
  mark({ phase: 'ended', outcome: 'completed' });
  return told(result);
}

/** In the Web UI. */
function told(result: AuditResult): AuditResult {
  const { vnf, findings, more, repaired, repair } = result;
  const kinds = [...new Set(findings.map(({ kind }) => kind))].map(
    (kind) => `${String(findings.filter((each) => each.kind === kind).length)} ${kind}`,
  );
  const beyond = more > 0 ? `, and ${String(more)} more` : '';
  const mended = repair ? `; ${String(repaired.length)} repaired` : '';
  say(`audit of ${vnf} **completed**: ${kinds.length > 0 ? kinds.join(', ') : 'nothing differs'}${beyond}${mended}`);
  return result;
}
