import { homeOf } from '../../activities/home';
import { nova } from '../../openstack';
import { launchInput, membersIn, openLab, recordOf, rowsOf, temporalWith, turn, vnf, type Lab } from './lab';

/** A worker with another login than the one that a VNF was made with sees none of its servers. */

let labs: Lab[] = [];
afterEach(async () => {
  for (const lab of labs) await lab.close();
  labs = [];
});

type Said = Parameters<typeof temporalWith>[0];

async function labWith(describe: Said, timing = {}): Promise<Lab> {
  const lab = await openLab({ client: temporalWith(describe), timing });
  labs.push(lab);
  return lab;
}

const elsewhere: Said = () => Promise.resolve({ memo: { home: 'project another, region RegionOne' } });

test('one whose record says that it is elsewhere is not touched, nor taken for dead or gone', async () => {
  const here = await labWith(() => Promise.resolve({}));
  const members = membersIn(await here.run('launch', launchInput(here, rowsOf('web', [1, 2]))));
  const record = recordOf({ web: { level: 2, nextOrdinal: 3, inService: members } });

  const other = await labWith(elsewhere);
  const { timing } = other;
  const refusal = {
    type: 'CloudUnavailable',
    nonRetryable: false,
    message: expect.stringMatching(/^ims1 is in project another, region RegionOne, and .+OS_CLOUD/) as string,
  };
  await expect(other.run('findDead', { vnf, record })).rejects.toMatchObject(refusal);
  await expect(other.run('compare', { record, inHand: [] })).rejects.toMatchObject(refusal);
  await expect(other.run('remove', { turn, vnf, members, timing })).rejects.toMatchObject(refusal);
  await expect(other.run('drain', { turn, vnf, members, drainSeconds: 1, timing })).rejects.toMatchObject(refusal);
  const many = { hosts: ['cmp-01'], cause: 'maintenance', records: [record] } as const;
  await expect(other.run('planEmptyHosts', many)).rejects.toMatchObject(refusal);
  expect(other.calls.filter(({ service }) => service !== 'identity')).toEqual([]);
});

test('one that is here is asked about once a minute', async () => {
  let asked = 0;
  const lab = await labWith(async () => {
    asked += 1;
    const [first] = labs;
    return { memo: { home: homeOf((await first?.session.place()) ?? { projectId: '', region: null }) } };
  });
  expect(await lab.session.place()).toEqual({ projectId: await lab.session.projectId(), region: 'RegionOne' });
  const members = membersIn(await lab.run('launch', launchInput(lab, rowsOf('web', [1]))));
  expect(members).toHaveLength(1);
  await lab.run('remove', { turn, vnf, members, timing: lab.timing });
  expect(await nova.listServers(lab.session, {})).toEqual([]);
  expect(asked).toBe(1);
});

test('and once where an input names it twice', async () => {
  let asked = 0;
  const lab = await labWith(() => {
    asked += 1;
    return Promise.resolve({});
  });
  await lab.run('findDead', { vnf, record: recordOf() });
  expect(asked).toBe(1);
});

test('where Temporal does not say it nothing is done, and it is asked again', async () => {
  const lab = await labWith(() => Promise.reject(new Error('14 UNAVAILABLE')));
  await expect(lab.run('findDead', { vnf, record: recordOf() })).rejects.toMatchObject({
    type: 'CloudUnavailable',
    nonRetryable: false,
    message: expect.stringContaining('Temporal does not say where ims1 is') as string,
  });
});

test('the time that this takes is the time of the attempt', async () => {
  const slow: Said = () => new Promise((resolve) => setTimeout(resolve, 300, {}));
  const lab = await labWith(slow, { lastCallSeconds: 0.2 });
  const removing = lab.run('remove', { turn, vnf, members: [], timing: lab.timing });
  await expect(removing).rejects.toMatchObject({ type: 'CloudUnavailable' });
});
