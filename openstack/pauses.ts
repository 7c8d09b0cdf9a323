import type { Service } from './call';
import { UnavailableError } from './errors';
import { unlessOver, type Over } from './deadline';

/**
 * A service that has said 429, or 503 with a time, is left alone until then: by all calls of this process, not only by the one that it
 * said it to. Who would have to wait long is told so at once, and comes back when the time is over: a slot in which others could
 * work is not spent on waiting.
 */
export interface Pauses {
  /** Waits for the end of a short pause. Throws an UnavailableError, with the time that is left, where it is a long one. */
  readonly over: (of: Asked & { readonly signal: Over }) => Promise<void>;
  readonly isOver: (service: Service) => boolean;
  /** What a service has answered. */
  readonly answered: (service: Service, answer: Answer) => void;
}

interface Asked {
  readonly service: Service;
  readonly method: string;
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly retryAfterSeconds?: number | undefined;
}

/** This long is waited within a call. */
const patienceMs = 3_000;
/** Where no time is said: then twice as long each time, until an answer comes that is none of these. */
const firstSeconds = 1;
/** A service may ask for any time; asking once a minute harms none. */
const mostSeconds = 60;

export function createPauses(now: () => number = Date.now): Pauses {
  const until = new Map<Service, number>();
  const refusals = new Map<Service, number>();
  const leftMs = (service: Service): number => Math.max(0, (until.get(service) ?? 0) - now());

  return {
    isOver: (service) => leftMs(service) === 0,
    over: async ({ service, method, path, signal }) => {
      for (let left = leftMs(service); left > 0; left = leftMs(service)) {
        if (left > patienceMs) {
          const seconds = Math.ceil(left / 1_000);
          throw new UnavailableError(
            `${method} ${service} ${path}: not sent: the service has asked to be left alone for ${String(seconds)} s more`,
            { service, method, url: path, retryAfterSeconds: seconds },
            { fateUnknown: false, throttled: true },
          );
        }
        await unlessOver(sleep(left), signal);
      }
    },
    answered: (service, { status, retryAfterSeconds }) => {
      if (status !== 429 && (status !== 503 || retryAfterSeconds === undefined)) {
        refusals.delete(service);
        return;
      }
      const before = refusals.get(service) ?? 0;
      // Those that were under way together are refused together, which is once.
      if (leftMs(service) === 0) refusals.set(service, before + 1);
      const seconds = Math.min(mostSeconds, retryAfterSeconds ?? firstSeconds * 2 ** before);
      until.set(service, Math.max(until.get(service) ?? 0, now() + seconds * 1_000));
    },
  };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.ceil(milliseconds));
  });
}
