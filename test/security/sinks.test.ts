import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fc } from '../property';
import { orphansText, runText, statusText } from '../../client/table';
import { plain, summary, unescaped } from '../../domain/markdown';
import { parseDescriptor } from '../../domain/descriptor/parse';
import { readTags, tag } from '../../domain/names';
import { procedureInputs, vnfSchema } from '../../domain/procedures';
import { argument, bulkheadCommand } from '../../domain/shell';
import { leftSaid, lineOf, type StuckNote, type StuckView } from '../../domain/stuck';
import type { RecordView } from '../../domain/turn';
import { BadRequestError, glance, neutron, nova, placement, type Session } from '../../openstack';
import { runFor } from '../../scripts/lib/cloud/external/levers';
import { forTerminal } from '../../scripts/lib/terminal';
import { childrenDetails, recordDetails, stuckDetails } from '../../workflows/details';
import { newState, viewOf } from '../../workflows/record/state';
import { timingAt } from '../../domain/timing';
import { scripted, type Scripted } from '../openstack/servers';
import { small } from '../real/world';

/**
 * Whatever a caller, a descriptor or a cloud calls something, it stays a name: in a URL, a filter, a tag, a command of the shell, on a terminal and in the
 * Markdown of the Web UI.
 */

/** What means something to one of them. */
const signs = [
  ...[
    '/',
    '\\',
    '..',
    '.',
    '?',
    '#',
    '%',
    '%2f',
    '&',
    '=',
    '+',
    ' ',
    ';',
    ':',
    ',',
    '@',
    '^',
    '$',
    '*',
    '(',
    ')',
    '|',
    '[',
    ']',
    '{',
    '}',
  ],
  ...[
    "'",
    '"',
    '`',
    '$(',
    '${',
    '&&',
    '||',
    '>',
    '<',
    '!',
    '~',
    '-',
    '--',
    '\n',
    '\r',
    '\t',
    '\u0000',
    '\u001b[31m',
    '\u009b',
    '\u202e',
    "$'",
    '$&',
  ],
  ...['in:', '](', '![', '<img src=x>', '**', '---', 'http://', 'www.', "' OR '1'='1", 'é', '漢', '🛳', '\ud800'],
];
const nasty = fc
  .array(fc.oneof(fc.constantFrom(...signs), fc.string({ maxLength: 4 })), { maxLength: 6 })
  .map((parts) => parts.join(''));
const runs = { numRuns: 80 };

describe('to the cloud', () => {
  let cloud: Scripted;
  let session: Session;

  beforeAll(async () => {
    const empty = { servers: [], ports: [], images: [{ id: 'i', name: 'evil', status: 'active' }], allocations: {} };
    cloud = await scripted(({ method }) => (method === 'GET' ? { body: empty } : { status: 204 }));
    session = cloud.session();
    await nova.listServers(session, {});
  });

  afterAll(() => cloud.close());

  async function sentBy(call: () => Promise<unknown>): Promise<URL | undefined> {
    const before = cloud.asked.length;
    const error = await call().catch((thrown: unknown) => thrown);
    const [sent] = cloud.asked.slice(before);
    // What is refused was not sent, and what was sent was not refused.
    if (error instanceof BadRequestError && sent === undefined) return undefined;
    return new URL(sent?.url ?? '', cloud.url);
  }

  test.each<[string, string, string, (id: string) => Promise<unknown>]>([
    ['a server', '/compute/v2.1/servers/', '', (id) => nova.deleteServer(session, id)],
    ['an action on a server', '/compute/v2.1/servers/', '/action', (id) => nova.startServer(session, id)],
    ['a server group', '/compute/v2.1/os-server-groups/', '', (id) => nova.deleteServerGroup(session, id)],
    ['a compute service', '/compute/v2.1/os-services/', '', (id) => nova.enableService(session, id)],
    ['a port', '/networking/v2.0/ports/', '', (id) => neutron.deletePort(session, id)],
    ['a security group', '/networking/v2.0/security-groups/', '', (id) => neutron.deleteSecurityGroup(session, id)],
    ['tags of a server', '/compute/v2.1/servers/', '/tags/t', (id) => nova.addTag(session, id, 't')],
    ['a tag', '/compute/v2.1/servers/i/tags/', '', (name) => nova.removeTag(session, 'i', name)],
    ['a rule', '/networking/v2.0/security-group-rules/', '', (id) => neutron.deleteSecurityGroupRule(session, id)],
    ['allocations', '/placement/allocations/', '', (id) => placement.listAllocations(session, id)],
  ])('an id is one segment of a path, or refused: %s', async (_what, before, after, call) => {
    for (const id of ['', '.', '..', '\ud800']) expect(await sentBy(() => call(id))).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(nasty, async (id) => {
        const sent = await sentBy(() => call(id));
        if (sent === undefined) return;
        const { pathname, search } = sent;
        expect([pathname.startsWith(before), pathname.endsWith(after), search]).toEqual([true, true, '']);
        const segment = pathname.slice(before.length, pathname.length - after.length);
        expect([segment.includes('/'), decodeURIComponent(segment)]).toEqual([false, id]);
      }),
      runs,
    );
  });

  test.each<[string, string, (text: string) => Promise<unknown>]>([
    ['a host', 'host', (host) => nova.listServers(session, { host })],
    ["a port's name", 'name', (name) => neutron.listPorts(session, { name })],
    ["a port's description", 'description', (description) => neutron.listPorts(session, { description })],
    ['an image', 'name', (name) => glance.listImages(session, { name })],
  ])('a value of a query is one value, and no further parameter: %s', async (_what, parameter, call) => {
    const known = ['limit', 'status', 'project_id', parameter];
    await fc.assert(
      fc.asyncProperty(
        nasty.filter((text) => text !== '' && !/\p{Surrogate}/u.test(text)),
        async (text) => {
          const sent = await sentBy(() => call(text));
          expect(sent?.searchParams.getAll(parameter)).toEqual([text]);
          for (const name of sent?.searchParams.keys() ?? []) expect(known).toContain(name);
        },
      ),
      runs,
    );
  });

  test("a server's name is found as itself, though Nova takes a regular expression", async () => {
    const text = nasty.filter((each) => !/\p{Surrogate}/u.test(each));
    await fc.assert(
      fc.asyncProperty(text, text, async (name, other) => {
        const sent = await sentBy(() => nova.listServers(session, { name }));
        const pattern = new RegExp(sent?.searchParams.get('name') ?? '');
        expect(pattern.test(name)).toBe(true);
        for (const each of [other, `${name}0`, `x${name}`, `${name}\n`, name.slice(1)])
          expect(pattern.test(each)).toBe(each === name);
      }),
      runs,
    );
  });

  test('a tag is one tag of a list, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        nasty.filter((each) => !/\p{Surrogate}/u.test(each)),
        async (text) => {
          const tags = ['bulkhead:vnf=ims1', `bulkhead:token=${text}`];
          const sent = await sentBy(() => nova.listServers(session, { tags }));
          if (sent === undefined) expect(text).toMatch(/[,/]/);
          else expect(sent.searchParams.get('tags')?.split(',')).toEqual(tags);
        },
      ),
      runs,
    );
  });

  test('an image is the one that is called so, though Glance takes a list of names', async () => {
    expect(await glance.listImages(session, { name: 'in:good,evil' })).toEqual([]);
    expect(await glance.listImages(session, { name: 'evil' })).toHaveLength(1);
  });
});

describe('names that are let in', () => {
  const label = /^[a-z][a-z0-9-]*$/;

  test('ids of VNFs and names of pools are labels, and nothing else', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const size = { min: 2, initial: 2, max: 2 };
        const pool = { name: text, zone: 'mz', size, spare: 1, flavor: 'f', image: 'i', networks: ['n'] };
        const descriptor = { name: 'test', networks: { n: { network: 'n' } }, pools: [pool] };
        expect(!parseDescriptor(descriptor).ok || label.test(text)).toBe(true);
        expect(!vnfSchema.safeParse(text).success || label.test(text)).toBe(true);
        for (const members of [[`ims1-${text}-1`], [text]]) {
          const { success } = procedureInputs.heal.safeParse({ vnf: 'ims1', members });
          expect(!success || /^[a-z0-9-]+$/.test(members[0] ?? '')).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a tag of another form names no VNF and no pool', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const { vnf, pool } = readTags([tag.vnf(text), tag.pool(text)]);
        for (const each of [vnf, pool]) expect(each === undefined || label.test(each)).toBe(true);
      }),
      runs,
    );
  });
});

describe('to people', () => {
  /** What Markdown would read, escapes taken out. */
  const read = (markdown: string): string => markdown.replace(/\\[!-/:-@[-`{-~]/g, '·');
  const active = /[\\`*_[\]<>|~&!#\n\r]|:\/\/|www\./i;

  test('a text is shown as it is in Markdown, on one line, and no longer than is good', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 40 }), (text, most) => {
        const shown = plain(text, most);
        expect(read(shown)).not.toMatch(active);
        expect(Array.from(unescaped(shown)).length).toBeLessThanOrEqual(most);
        if (/^[\x20-\x7e]*$/.test(text) && text.length <= most) expect(unescaped(shown)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('a summary has no more bytes than Temporal takes, encrypted or not', () => {
    fc.assert(
      fc.property(fc.array(nasty, { maxLength: 200 }), (texts) => {
        const shown = summary(`look at ${texts.join(', ')}`);
        expect(read(shown)).not.toMatch(active);
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(250);
        expect(shown).toMatch(/^look at/);
      }),
      runs,
    );
    expect(summary('look at cmp-01, cmp-02')).toBe('look at cmp-01, cmp-02');
  });

  test('the details of a record are one line for each that they are made of, whatever holders and hosts are called', () => {
    const parsed = parseDescriptor(JSON.parse(JSON.stringify(small)));
    if (!parsed.ok) throw new Error('it is a descriptor');
    const state = newState({ vnf: 'ims1', descriptor: parsed.descriptor, timing: timingAt(1) });
    const pools = { web: { level: 1, nextOrdinal: 2, inService: [], failed: [] } };
    const viewWith = (text: string): RecordView => {
      const turn = { workflowId: text, runId: 'r', procedure: 'heal', token: 't', commits: 0 } as const;
      const member = { pool: 'web', ordinal: 1, host: text, serverId: 's', portIds: [], token: 't' };
      const view = { ...viewOf(state), pools: { web: { ...pools.web, inService: [member] } }, publishing: false };
      return { ...view, turn, blocked: text, stuck: [{ ...turn, ...noteWith(text) }] };
    };
    const usual = recordDetails(viewWith('scale-1'));
    expect(recordDetails(viewWith('a\n# Heading'))).not.toMatch(/^# /m);
    expect(statusText(viewWith('x\nims7: running, revision 99'))).not.toMatch(/^ims7/m);
    const usualText = statusText(viewWith('scale-1'));
    fc.assert(
      fc.property(nasty, (text) => {
        const details = recordDetails(viewWith(text));
        expect(shapeOf(details)).toBe(shapeOf(usual));
        expect(read(details)).not.toMatch(/:\/\/|www\./i);
        expect(statusText(viewWith(text)).split('\n')).toHaveLength(usualText.split('\n').length);
      }),
      runs,
    );
  });

  /** What there is of Markdown in it, and how many lines. */
  const shapeOf = (markdown: string): string => read(markdown).replace(/[^\\`*_[\]<>|~&!#\n]/g, '');
  const noteWith = (text: string): StuckNote => ({ step: 'undo of launch', message: lineOf(text), until: text });

  test('what is said of runs that are stuck is what it is made of, whatever they, hosts, servers and errors are called', () => {
    const stuckWith = (text: string): StuckView => ({
      step: text,
      error: { kind: 'CloudUnavailable', message: text, details: {} },
      reason: { kind: 'CloudUnavailable', message: text, details: {} },
      left: [{ kind: 'server', id: text, name: 'ims1-web-1' }],
      retries: 1,
      until: text,
      may: ['retry'],
      remedy: `Run "${bulkheadCommand('retry', text)}".`,
    });
    const childWith = (text: string) => ({ vnf: text, workflowId: text, note: noteWith(text) });
    const markdown = (text: string): string[] => [
      stuckDetails(text, stuckWith(text)),
      childrenDetails(text, [childWith(text), childWith(text)]),
    ];
    const plainly = (text: string): string[] => {
      const report = { schema: 1, what: text, stuckChildren: [childWith(text)], ended: null } as const;
      const retrying = [{ activity: 'launch', attempt: 2, kind: 'CloudUnavailable', message: text }];
      const things = [{ kind: 'server', id: text, name: text, vnf: 'ims1' } as const];
      const counts = { server: 1, port: 0, securityGroup: 0, serverGroup: 0 };
      return [
        runText({ ...report, stuck: stuckWith(text), details: '', retrying: [] }),
        runText({ ...report, stuck: null, details: 'at launch', retrying }),
        orphansText({
          outcome: 'completed',
          procedure: 'orphans',
          unrecorded: [{ vnf: 'ims1', counts, things, remedy: 'adopt it' }],
        }),
      ];
    };
    const usual = { markdown: markdown('scale-1').map(shapeOf), plainly: plainly('scale-1') };
    fc.assert(
      fc.property(nasty, (text) => {
        expect(markdown(text).map(shapeOf)).toEqual(usual.markdown);
        expect(plainly(text).map((each) => each.split('\n').length)).toEqual(
          usual.plainly.map((each) => each.split('\n').length),
        );
        expect([leftSaid(stuckWith(text).left ?? []), lineOf(text)].join('')).not.toMatch(/\p{Cc}/u);
      }),
      runs,
    );
  });

  test('a terminal obeys nothing of what it is shown', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const shown = forTerminal(text);
        expect(shown).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e]/u);
        if (/^[\x20-\x7e\n\t]*$/.test(text)) expect(shown).toBe(text);
      }),
      runs,
    );
  });
});

describe('to the shell', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulkhead-sinks-'));
  });

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  test('a host is one argument of the command, and no command', async () => {
    const file = join(directory, 'argument');
    const host = nasty.filter((each) => !/\0|\p{Surrogate}/u.test(each) && !each.startsWith('-'));
    await fc.assert(
      fc.asyncProperty(host, async (name) => {
        await runFor(`printf '%s|' {host} end > '${file}'`, name);
        expect(readFileSync(file, 'utf8')).toBe(`${name}|end|`);
      }),
      { numRuns: 60 },
    );
    await expect(runFor('true {host}', '-rf')).rejects.toThrow('would be taken for an option');
  });

  /** What a shell makes of a command: the arguments that the program gets. */
  const run = promisify(execFile);
  const argumentsIn = async (shell: string, command: string): Promise<string[]> => {
    const program = 'bulkhead() { printf "%s\\0" "$@"; };';
    const { stdout, stderr } = await run(shell, ['-c', `${program} ${command}`], {
      cwd: directory,
      // With a level, or bash takes a pipe for a login from afar and reads the files of its user.
      env: { LC_ALL: 'C.UTF-8', SHLVL: '2' },
    });
    expect(stderr).toBe('');
    return stdout.split('\0').slice(0, -1);
  };

  test('a command that a person is told to run is one line, has the workflow id as one argument, and runs nothing of it', async () => {
    const ids = nasty.filter((each) => each !== '' && !/\0|\p{Surrogate}/u.test(each));
    await fc.assert(
      fc.asyncProperty(ids, async (id) => {
        const command = bulkheadCommand('retry', id);
        expect(command).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
        const told = ['retry', ...(id.startsWith('-') ? ['--'] : []), id];
        expect(await argumentsIn('bash', command)).toEqual(told);
        // An older shell reads what a terminal would obey as other text, and still as one argument.
        expect(await argumentsIn('sh', command)).toHaveLength(told.length);
      }),
      { numRuns: 60 },
    );
    expect(['scale-1', 'evacuate:ims1:3f', 'it is', "$(rm -rf ~)'", 'a\nb'].map(argument)).toEqual([
      ...['scale-1', 'evacuate:ims1:3f', "'it is'"],
      String.raw`'$(rm -rf ~)'\'''`,
      String.raw`$'a\012b'`,
    ]);
  });
});
