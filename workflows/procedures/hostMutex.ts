import { CancellationScope, condition, defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
import { runSchema, type RunRef } from '../../domain/turn';
import { refuseStartedByHand } from '../input';
import { watch } from '../ports';

/**
 * Under the id `host:<name>`: while it runs, nobody else evacuates or restores that host. It ends when its holder says so, or has
 * closed in whatever way: a holder that is terminated or reset cannot leave a host locked.
 */
export async function hostMutex(holder: RunRef): Promise<void> {
  refuseStartedByHand('hostMutex', { prefix: 'host:', schema: runSchema, input: holder });
  let released = false;
  setHandler(defineSignal('release'), () => {
    released = true;
  });
  const scope = new CancellationScope();
  const watching = scope
    .run(() => watch(holder))
    .then(
      () => {
        released = true;
      },
      (error: unknown) => {
        if (!isCancellation(error)) throw error;
      },
    );
  await condition(() => released);
  scope.cancel();
  await watching;
}
