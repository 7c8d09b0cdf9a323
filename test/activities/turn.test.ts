import type { Activities } from '../../activities/ports';
import { launchInput, launched, openLab, rowsOf, turn, vnf, type AttemptInfo, type Lab } from './lab';

/** What an attempt tells that has too little time left for any call. */

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const rows = rowsOf('web', [1, 2]);

/** The last attempt: its workflow stops waiting before a call could end. */
function tooLate(more: AttemptInfo): AttemptInfo {
  return {
    ...more,
    scheduledTimestampMs: Date.now() - 60_000,
    scheduleToCloseTimeoutMs: 60_000 + lab.timing.callSeconds * 1_000 - 100,
  };
}

/** What an attempt that the cloud fails hands to the next one. */
async function handedOn(path: string, info: AttemptInfo = {}): Promise<unknown> {
  lab.addFault({ kind: 'status', status: 503, match: { method: 'POST', path } });
  const { result, heartbeats } = lab.begin('launch', launchInput(lab, rows), info);
  await expect(result).rejects.toMatchObject({ type: 'CloudUnavailable' });
  return heartbeats.at(-1);
}

test('an attempt that begins too late for any call fails with what the last one failed with', async () => {
  const heartbeatDetails = await handedOn('/ports$');
  const late = lab.begin('launch', launchInput(lab, rows), tooLate({ attempt: 2, heartbeatDetails }));
  await expect(late.result).rejects.toMatchObject({
    type: 'CloudUnavailable',
    nonRetryable: false,
    message: expect.stringMatching(/^POST http:.*\/ports: 503 /) as string,
    details: [
      {
        service: 'network',
        method: 'POST',
        url: expect.stringMatching(/\/ports$/) as string,
        status: 503,
        requestId: expect.stringMatching(/^req-/) as string,
      },
    ],
  });
  // What the server has of the earlier attempt stays.
  expect(late.heartbeats).toEqual([]);
});

test('it says so where attempts came between that have only run out of time', async () => {
  const heartbeatDetails = await handedOn('/ports$', { attempt: 3 });
  await expect(
    lab.run('launch', launchInput(lab, rows), tooLate({ attempt: 9, heartbeatDetails })),
  ).rejects.toMatchObject({
    message: expect.stringMatching(/503 .*\(Attempt 3; 5 since then ran out of time\.\)$/s) as string,
    details: [{ status: 503 }],
  });
});

test('of two failures the later one is told', async () => {
  const first = await handedOn('/ports$');
  const heartbeatDetails = await handedOn('/security-groups$|/servers$', { attempt: 2, heartbeatDetails: first });
  await expect(
    lab.run('launch', launchInput(lab, rows), tooLate({ attempt: 3, heartbeatDetails })),
  ).rejects.toMatchObject({ details: [{ service: 'compute' }] });
});

test('with no earlier failure it says that the time is over', async () => {
  await expect(lab.run('launch', launchInput(lab, rows), tooLate({}))).rejects.toMatchObject({
    type: 'CloudUnavailable',
    message: 'the time for it is over, and what it waits for has not come to be',
  });
});

test('an attempt that the cloud has refused for good hands nothing on', async () => {
  lab.addFault({ kind: 'status', status: 400, match: { method: 'POST', path: '/ports$' } });
  const { result, heartbeats } = lab.begin('launch', launchInput(lab, rows));
  await expect(result).rejects.toMatchObject({ nonRetryable: true });
  expect(heartbeats).toEqual([]);
});

describe('ordinals that were seen', () => {
  const input = (): Parameters<Activities['removeByToken']>[0] => ({
    ...{ turn, vnf, token: turn.token, keep: [] },
    timing: lab.timing,
  });

  test('are handed on with the failure, and only they come back', async () => {
    await launched(lab, rows);
    lab.addFault({ kind: 'status', status: 503, match: { method: 'DELETE', path: '/servers/' } });
    const first = lab.begin('removeByToken', input());
    await expect(first.result).rejects.toMatchObject({ type: 'CloudUnavailable' });
    const second = lab.begin('removeByToken', input(), {
      attempt: 2,
      heartbeatDetails: first.heartbeats.at(-1),
    });
    expect(await second.result).toEqual({ nextOrdinals: { web: 3 } });
    // Each look keeps the failure, too.
    for (const details of second.heartbeats)
      expect(details).toEqual({ web: 3, 'last failure': expect.objectContaining({ attempt: 1 }) as object });
    await expect(
      lab.run('removeByToken', input(), tooLate({ attempt: 3, heartbeatDetails: second.heartbeats.at(-1) })),
    ).rejects.toMatchObject({ details: [{ method: 'DELETE', status: 503 }] });
  });

  test('are read as earlier releases have handed them on', async () => {
    expect(await lab.run('removeByToken', input(), { attempt: 2, heartbeatDetails: { web: 7 } })).toEqual({
      nextOrdinals: { web: 7 },
    });
  });
});

test('neither the credential nor a token is in what is handed on', async () => {
  const handed = JSON.stringify([await handedOn('/auth/tokens'), await handedOn('/ports$', { attempt: 2 })]);
  expect(handed).toContain('503');
  const secrets = ['embedded-credential-secret', ...lab.cloud.tokens.keys()];
  expect(secrets.length).toBeGreaterThan(1);
  for (const secret of secrets) expect(handed).not.toContain(secret);
});
