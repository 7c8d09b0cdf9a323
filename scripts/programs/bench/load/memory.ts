import { readFileSync } from 'node:fs';
import type { Running } from '../../../lib/processes';

/** How much memory the workers take, in MB of what is resident: by what the kernel says of each process. */

export interface Memory {
  readonly most: number;
  readonly atEnd: number;
}

const everyMs = 500;

export interface Meter {
  /** Since the last time that it was asked. */
  readonly read: () => Memory;
  readonly stop: () => void;
}

/** Of the largest one. Workers that are started later are seen, too. */
export function meterOf(workers: readonly Running[]): Meter {
  let most = 0;
  const look = (): number => {
    const now = Math.max(0, ...workers.filter((worker) => worker.alive()).map(({ pid }) => residentMb(pid)));
    most = Math.max(most, now);
    return now;
  };
  const timer = setInterval(look, everyMs);
  return {
    read: () => {
      const atEnd = look();
      const memory = { most: Math.round(most), atEnd: Math.round(atEnd) };
      most = atEnd;
      return memory;
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}

function residentMb(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1_024;
  } catch {
    // It has ended since.
    return 0;
  }
}
