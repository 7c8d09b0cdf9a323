import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Messages and stack traces of failures as payloads, so that they are encrypted as those are: they name hosts and members, and repeat what OpenStack
 * has said. Temporal shows "Encoded failure" in their place to who has no key. The kind stays readable. Loaded by its path, also into
 * workflow code.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
