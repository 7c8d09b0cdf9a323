import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { follow } from '../../../scripts/lib/cloud/external/follow';
import { readNotice, stateOf } from '../../../scripts/lib/cloud/external/notifications';
import { root } from '../../../scripts/lib/root';

/** Lines that Nova 34 and Neutron 29 have written, word for word. */
const lines = readFileSync(join(root, 'test/fixtures/notifications.jsonl'), 'utf8').trim().split('\n');

function lineOf(type: string): string {
  const found = lines.find((line) => line.includes(`"event_type": "${type}"`));
  if (found === undefined) throw new Error(`there is no ${type} among the fixtures`);
  return found;
}

function noticeOf(type: string): unknown {
  return readNotice(lineOf(type))?.notice;
}

describe('a notification', () => {
  test('of the scheduler says where a server was asked to be', () => {
    expect(noticeOf('scheduler.select_destinations.start')).toMatchObject({
      kind: 'server',
      said: { requestedHost: 'cmp-08', zone: 'mz' },
    });
  });

  test('of an instance says whose it is, where it is, and in which state', () => {
    expect(noticeOf('instance.update')).toMatchObject({
      kind: 'server',
      said: {
        name: 'ims1-sprout-11',
        host: 'cmp-08',
        state: 'BUILD',
        zone: 'mz',
        flavor: 'clearwater.small',
        tags: expect.arrayContaining(['bulkhead:vnf=ims1', 'bulkhead:token=***']) as string[],
        requestId: 'req-b2fde5f1-852e-452b-9590-28db2077e96f',
        gone: false,
      },
    });
    expect(noticeOf('instance.create.end')).toMatchObject({ said: { state: 'ACTIVE' } });
  });

  test('of the end of a deletion says that it is gone, and of no other state', () => {
    const notice = noticeOf('instance.delete.end');
    expect(notice).toMatchObject({ kind: 'server', said: { gone: true } });
    expect(notice).not.toHaveProperty('said.state');
  });

  test('of several ports in one request says each', () => {
    expect(noticeOf('port.create.end')).toMatchObject({
      kind: 'ports',
      ports: [{ name: 'ims1-sprout-11.mgmt' }, { name: 'ims1-sprout-11.sig' }],
    });
    expect(noticeOf('port.delete.end')).toMatchObject({ kind: 'portGone', id: expect.any(String) as string });
  });

  test('of security groups and server groups', () => {
    expect(noticeOf('security_group.create.end')).toMatchObject({ kind: 'group', group: { name: 'ims1-ellis' } });
    expect(noticeOf('security_group.delete.end')).toMatchObject({ kind: 'groupGone' });
    expect(noticeOf('server_group.create')).toMatchObject({
      kind: 'serverGroup',
      group: { id: expect.any(String) as string, name: expect.any(String) as string },
    });
    expect(
      readNotice(lineOf('server_group.create').replace('server_group.create', 'server_group.delete')),
    ).toMatchObject({ notice: { kind: 'serverGroupGone', id: expect.any(String) as string } });
  });

  test("is also read behind what oslo.log puts before it, with the request's global id", () => {
    const bare = lineOf('instance.update').replace(/, "request_id": "[^"]*", "global_request_id": "[^"]*"\}$/, '}');
    const before =
      '2026-11-24 10:03:28.421 7384 INFO oslo.messaging.notification.instance.update [req-00000000-0000-0000-0000-00000000000g req-own user project - - default default] ';
    expect(readNotice(`${before}${bare}`)).toMatchObject({
      notice: { said: { requestId: 'req-00000000-0000-0000-0000-00000000000g' } },
    });
  });

  test('has its moment to the microsecond', () => {
    const [first, second] = ['.000001', '.000002'].map(
      (fraction) =>
        readNotice(lineOf('instance.update').replace(/(09|10:\d\d:\d\d)\.\d{6}"/, `$1${fraction}"`))?.at ?? 0,
    );
    expect((second ?? 0) - (first ?? 0)).toBe(1);
  });

  test.each(['', 'INFO nova started', '{"event_type": "instance.update"', '{"event_type": "x", "payload": 1}'])(
    'is not what reads %j',
    (line) => {
      expect(readNotice(line)).toBeUndefined();
    },
  );

  test.each([
    ['building', 'spawning', 'BUILD'],
    ['active', 'rebuilding', 'REBUILD'],
    ['active', 'deleting', 'ACTIVE'],
    ['error', null, 'ERROR'],
    ['stopped', null, 'SHUTOFF'],
    ['paused', null, 'SHUTOFF'],
    ['deleted', null, undefined],
  ] as const)('of %s, %s means %s', (state, task, shown) => {
    expect(stateOf(state, task)).toBe(shown);
  });
});

describe('files that others write to', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'follow-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  test('are read on from where they ended, whole lines alone, and new ones from their beginning', () => {
    const [old, made] = ['nova.jsonl', 'neutron.jsonl'].map((name) => join(directory, name));
    writeFileSync(old ?? '', 'before\n');
    const follower = follow(directory);
    expect(follower.read()).toEqual([]);
    appendFileSync(old ?? '', 'one\ntw');
    expect(follower.read()).toEqual(['one']);
    appendFileSync(old ?? '', 'o\n');
    writeFileSync(made ?? '', 'three\n');
    expect(follower.read().sort()).toEqual(['three', 'two']);
  });

  test('are read anew where somebody has begun them anew', () => {
    const path = join(directory, 'nova.jsonl');
    writeFileSync(path, 'a long line before\n');
    const follower = follow(directory);
    writeFileSync(path, 'new\n');
    expect(follower.read()).toEqual(['new']);
  });
});
