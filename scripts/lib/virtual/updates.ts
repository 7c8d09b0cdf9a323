import type { coresdk } from '@temporalio/proto';
import { jobOf, type Job } from './execution';
import { errorOf, payloadOf, valueOf } from './payloads';

/** What an update comes back with: what its handler has given, or why it was refused. */
export type UpdateAnswer = { readonly result: unknown } | { readonly error: Error };

/** The updates of one run as the server keeps them. Each is answered once, also where the run closes over it. */
export class Updates {
  readonly #waiting = new Map<string, (answer: UpdateAnswer) => void>();
  readonly #accepted = new Set<string>();
  #count = 0;

  /** The job that brings it to the run. */
  ask(name: string, answered: (answer: UpdateAnswer) => void): Job {
    this.#count += 1;
    const id = `${name}-${String(this.#count)}`;
    this.#waiting.set(id, answered);
    return jobOf('doUpdate', {
      id,
      protocolInstanceId: id,
      name,
      input: [payloadOf({})],
      headers: {},
      runValidator: true,
    });
  }

  /** What the run says of one: that it is taken, and later or at once what came of it. */
  respond({ protocolInstanceId, accepted, rejected, completed }: coresdk.workflow_commands.IUpdateResponse): void {
    const id = protocolInstanceId ?? '';
    if (accepted) this.#accepted.add(id);
    if (rejected) this.#answer(id, { error: errorOf(rejected) });
    if (completed) this.#answer(id, { result: valueOf(completed) });
  }

  /** One that a validator has refused is in no history, and does not come again after a reset. */
  isKept({ doUpdate }: Job): boolean {
    return this.#accepted.has(doUpdate?.protocolInstanceId ?? '');
  }

  close(): void {
    for (const id of [...this.#waiting.keys()]) this.#answer(id, { error: new Error('the run has closed') });
  }

  #answer(id: string, answer: UpdateAnswer): void {
    const answered = this.#waiting.get(id);
    this.#waiting.delete(id);
    answered?.(answer);
  }
}
