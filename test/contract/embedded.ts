import { Dropped, hostsOf, type HostSpec } from '../../simulator';
import { openLab, type Asked as LabAsked, type Caller as LabCaller, type Lab } from '../simulator/lab';
import { headersOf, parsed, targetOf, type Answer, type Asked, type Caller, type CloudUnderTest } from './cloud';

/** The embedded cloud in this process: its time passes only while somebody waits. */

const prefixes = {
  compute: '/compute/v2.1',
  network: '/networking/v2.0',
  placement: '/placement',
  image: '/image/v2',
  identity: '/identity/v3',
};

const names: Readonly<Record<Caller | 'nobody', LabCaller>> = {
  operator: 'operator',
  tenant: 'tenant',
  guest: 'other',
  nobody: 'nobody',
};

/** The first of each zone: what a case takes without looking is one of these. */
const someWithoutRoom = (hosts: readonly HostSpec[]): HostSpec[] =>
  hosts.map((host) => (host.name.endsWith('-01') ? { ...host, vcpus: 1, ramMb: 4_096, diskGb: 40 } : host));

export async function openEmbedded(): Promise<CloudUnderTest> {
  const lab = await openLab({
    hosts: someWithoutRoom(hostsOf({ mz: 12, dmz: 4 })),
    quotas: { server_group_members: 100 },
  });
  const now = (): number => lab.cloud.clock.now() / 1_000;
  const user = (as: Caller): { readonly id: string; readonly projectId: string } => {
    for (const each of lab.cloud.users.values()) if (each.name === names[as]) return each;
    throw new Error(`there is no ${as}`);
  };
  const control = async (to: string, body: object): Promise<void> => {
    const { status, text } = await lab.ask({ to: `POST /bulkhead/${to}`, body });
    if (status !== 200) throw new Error(text);
  };
  return {
    name: 'embedded',
    now,
    ask: async (asked) => {
      const began = now();
      return await answered(lab.ask(translated(asked)), () => now() - began);
    },
    askAll: async (asked) => {
      const began = now();
      const answers = await lab.askAll(asked.map(translated));
      return answers.map((answer) => shown(answer, now() - began));
    },
    pass: (seconds) => lab.pass(seconds),
    projectOf: (as) => user(as).projectId,
    userOf: (as) => user(as).id,
    host: (name) => ({
      fail: () => control(`hosts/${name}`, { alive: false }),
      recover: () => control(`hosts/${name}`, { alive: true }),
    }),
    service: (name) => ({
      away: (seconds) => control(`services/${name}`, { awaySeconds: seconds }),
      back: () => untilBack(lab, name),
    }),
    close: () => Promise.resolve(),
  };
}

const awaySecondsMax = 600;

async function untilBack(lab: Lab, name: string): Promise<void> {
  for (let seconds = 0; seconds < awaySecondsMax; seconds += 1) {
    const { body } = await lab.ask({ to: 'GET /bulkhead/services' });
    if (!(body['away'] as readonly string[]).includes(name)) return;
    await lab.pass(1);
  }
  throw new Error(`${name} does not come back`);
}

function translated(asked: Asked): LabAsked {
  const { method, service, path } = targetOf(asked);
  const { body, as = 'tenant' } = asked;
  return {
    to: `${method} ${prefixes[service]}${path}`,
    as: names[as],
    version: null,
    headers: headersOf(asked, service),
    ...(body !== undefined && { body }),
  };
}

async function answered(answer: ReturnType<Lab['ask']>, seconds: () => number): Promise<Answer> {
  try {
    return shown(await answer, seconds());
  } catch (error) {
    if (!(error instanceof Dropped)) throw error;
    return { status: 0, headers: {}, body: {}, text: error.message, seconds: seconds() };
  }
}

function shown({ status, headers, text }: Awaited<ReturnType<Lab['ask']>>, seconds: number): Answer {
  const lower = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  return { status, headers: Object.fromEntries(lower), body: parsed(text), text, seconds };
}
