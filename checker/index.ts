import type { CloudEvent } from '../simulator/events';
import { judgeEnds, judgeUnanswered, newEndsMemory } from './rules/ends';
import { judgeHosts, newHostsMemory } from './rules/hosts';
import { judgeInventory } from './rules/inventory';
import { judgeLetter, newLetterMemory } from './rules/letter';
import { judgeOrder } from './rules/order';
import { judgeEntry, judgeService, judgeZone, newServiceMemory } from './rules/service';
import { judgeShare, newShareMemory } from './rules/share';
import { judgeTurns, newTurnsMemory } from './rules/turns';
import {
  guaranteeOf,
  guarantees,
  type Guarantee,
  type Judged,
  type Part,
  type Scribe,
  type Verdict,
  type Violation,
} from './verdict';
import { advance, newWorld, type World } from './world';

/**
 * Says from a log alone whether the guarantees held at every event, and which event broke which. It shares no code with the
 * planner, the record or the procedures: what it knows is the descriptor, the requests, the cloud's events, what was published,
 * and what the record said of itself when it was free.
 */

export type { Guarantee, Judged, Part, Verdict, Violation } from './verdict';

export interface CheckerOptions {
  /**
   * By what the workers multiply the seconds that members are held and drain. Without it, as where the times in the log are those of looks at a
   * cloud, how long these last is not looked at.
   */
  readonly pace?: number;
}

export interface CheckOptions {
  /** Only events after this one are judged; all before make the state. */
  readonly from?: number;
  /** The log ends in the middle: requests without an outcome are no violation. */
  readonly open?: boolean;
}

export interface Checker {
  readonly push: (event: CloudEvent) => void;
  readonly verdict: (options?: CheckOptions) => Verdict;
  readonly world: World;
}

interface Look {
  readonly part: Part;
  readonly seq: number;
}

export function createChecker({ pace }: CheckerOptions = {}): Checker {
  const world = newWorld();
  const letter = newLetterMemory();
  const share = newShareMemory();
  const ends = newEndsMemory();
  const hosts = newHostsMemory();
  const service = newServiceMemory(pace ?? null);
  const turns = newTurnsMemory();
  const looks: Look[] = [];
  const violations: Violation[] = [];

  const scribeAt = (event: CloudEvent | undefined): Scribe => {
    const { seq, at } = event ?? { seq: Number.MAX_SAFE_INTEGER, at: 0 };
    return {
      looked: (part) => looks.push({ part, seq }),
      broken: (part, where) => violations.push({ part, seq, at, ...where }),
    };
  };

  return {
    world,
    push: (event) => {
      const scribe = scribeAt(event);
      judgeOrder(world, event, scribe);
      judgeEntry(world, event, { memory: service, scribe });
      judgeLetter(world, event, { memory: letter, scribe });
      judgeInventory(world, event, scribe);
      judgeEnds(world, event, { memory: ends, scribe });
      judgeHosts(world, event, { memory: hosts, scribe });
      judgeTurns(event, { memory: turns, scribe });
      advance(world, event);
      judgeShare(world, event, { memory: share, scribe });
      judgeService(world, event, { memory: service, scribe });
      judgeZone(world, event, scribe);
    },
    verdict: (options = {}) => {
      const { from = 0, open = false } = options;
      const late: Violation[] = [];
      if (!open)
        judgeUnanswered(world, {
          looked: () => undefined,
          broken: (part, where) => late.push({ part, seq: Number.MAX_SAFE_INTEGER, at: 0, ...where }),
        });
      return verdictOf({
        looks: looks.filter(({ seq }) => seq > from),
        violations: [...violations, ...late].filter(({ seq }) => seq > from),
      });
    },
  };
}

/** A log with nothing relevant in it fails: whoever asks wants to know that something held, not that nothing was seen. */
function verdictOf(seen: { looks: readonly Look[]; violations: readonly Violation[] }): Verdict {
  const judged = guarantees.map((guarantee): [Guarantee, Judged] => {
    const looked = seen.looks.filter(({ part }) => guaranteeOf(part) === guarantee).length;
    const violations = seen.violations.filter(({ part }) => guaranteeOf(part) === guarantee);
    return [guarantee, { held: looked > 0 && violations.length === 0, looked, violations }];
  });
  const all = Object.fromEntries(judged) as Record<Guarantee, Judged>;
  return { ok: seen.looks.length > 0 && seen.violations.length === 0, guarantees: all };
}

export function check(events: readonly CloudEvent[], options: CheckOptions & CheckerOptions = {}): Verdict {
  const checker = createChecker(options);
  for (const event of events) checker.push(event);
  return checker.verdict(options);
}
