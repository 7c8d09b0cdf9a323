import { createCloud, hostsOf, inDomains } from '../../simulator';
import { nova, openLab, type Lab } from './lab';

/** Aggregates, as hosts are put into them from the start or while the cloud runs. How Nova words it is in test/contract. */

interface Shown {
  readonly id: number;
  readonly name: string;
  readonly availability_zone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly hosts: readonly string[];
}

async function listed(lab: Lab): Promise<readonly Shown[]> {
  const { body } = await lab.ask({ to: `GET ${nova}/os-aggregates`, as: 'operator' });
  return body['aggregates'] as readonly Shown[];
}

function domainsIn({ log }: Lab['cloud']): unknown[] {
  return log.flatMap((event) => (event.type === 'host' ? [[event.host, event.zone, event.domains]] : []));
}

test('hosts are in racks by turns, zone by zone, and each rack is an aggregate that is no zone', async () => {
  const lab = await openLab({ hosts: inDomains(hostsOf({ mz: 3, dmz: 1 }), { rack: 2 }) });
  expect(
    (await listed(lab)).map(({ name, availability_zone: zone, metadata, hosts }) => [name, zone, metadata, hosts]),
  ).toEqual([
    ['mz', 'mz', { availability_zone: 'mz' }, ['cmp-01', 'cmp-02', 'cmp-03']],
    ['dmz', 'dmz', { availability_zone: 'dmz' }, ['dmz-01']],
    ['rack-r1', null, { rack: 'r1' }, ['cmp-01', 'cmp-03', 'dmz-01']],
    ['rack-r2', null, { rack: 'r2' }, ['cmp-02']],
  ]);
  expect(domainsIn(lab.cloud)).toEqual([
    ['cmp-01', 'mz', { rack: 'r1' }],
    ['cmp-02', 'mz', { rack: 'r2' }],
    ['cmp-03', 'mz', { rack: 'r1' }],
    ['dmz-01', 'dmz', { rack: 'r1' }],
  ]);
});

test('where nobody is in a rack, the cloud is the same as before there were any', () => {
  const [plain, none] = [hostsOf({ mz: 2 }), inDomains(hostsOf({ mz: 2 }), {})].map((hosts) => createCloud({ hosts }));
  expect(plain?.log.map((event) => Object.keys(event).includes('domains'))).toEqual([false, false]);
  expect(none?.log.map(({ at: _at, ...event }) => event)).toEqual(plain?.log.map(({ at: _at, ...event }) => event));
});

test('what two aggregates say differently of a host nobody says', async () => {
  const lab = await openLab({
    hosts: inDomains(hostsOf({ mz: 2 }), { rack: 2, power: 1 }),
    aggregates: [{ name: 'moved', metadata: { rack: 'r9' }, hosts: ['cmp-01'] }],
  });
  expect(domainsIn(lab.cloud)).toEqual([
    ['cmp-01', 'mz', { power: 'p1' }],
    ['cmp-02', 'mz', { rack: 'r2', power: 'p1' }],
  ]);
});

test('a host that is put into a rack or another zone says so in the log', async () => {
  const lab = await openLab({ hosts: hostsOf({ mz: 2, dmz: 1 }) });
  const before = domainsIn(lab.cloud).length;
  const act = (id: number, body: object) =>
    lab.ask({ to: `POST ${nova}/os-aggregates/${String(id)}/action`, as: 'operator', body });
  const made = await lab.ask({ to: `POST ${nova}/os-aggregates`, as: 'operator', body: { aggregate: { name: 'r' } } });
  const { id } = made.body['aggregate'] as { readonly id: number };
  await act(id, { add_host: { host: 'cmp-01' } });
  await act(id, { set_metadata: { metadata: { rack: 'r1' } } });
  const [mz, dmz] = await listed(lab);
  await act(mz?.id ?? NaN, { remove_host: { host: 'cmp-01' } });
  await act(dmz?.id ?? NaN, { add_host: { host: 'cmp-01' } });
  expect(domainsIn(lab.cloud).slice(before)).toEqual([
    ['cmp-01', 'mz', undefined],
    ['cmp-01', 'mz', { rack: 'r1' }],
    ['cmp-01', 'nova', { rack: 'r1' }],
    ['cmp-01', 'dmz', { rack: 'r1' }],
  ]);
  const zones = await lab.ask({ to: `GET ${nova}/os-availability-zone/detail`, as: 'operator' });
  expect(
    (zones.body['availabilityZoneInfo'] as { zoneName: string; hosts: object }[]).map(({ zoneName, hosts }) => [
      zoneName,
      Object.keys(hosts),
    ]),
  ).toEqual([
    ['dmz', ['cmp-01', 'dmz-01']],
    ['mz', ['cmp-02']],
  ]);
});

test('Placement knows who is in an aggregate', async () => {
  const lab = await openLab({ hosts: inDomains(hostsOf({ mz: 3 }), { rack: 2 }) });
  const rack = (await listed(lab)).find(({ name }) => name === 'rack-r1') as Shown & { readonly uuid: string };
  const to = `GET /placement/allocation_candidates?resources=VCPU:1&member_of=${rack.uuid}`;
  const { body } = await lab.ask({ to, as: 'operator', headers: { 'openstack-api-version': 'placement 1.39' } });
  expect(Object.keys(body['provider_summaries'] as object)).toHaveLength(2);
});

test('aggregates below 2.41 have no UUID', async () => {
  const lab = await openLab();
  const { body } = await lab.ask({ to: `GET ${nova}/os-aggregates`, as: 'operator', version: '2.40' });
  expect((body['aggregates'] as object[])[0]).not.toHaveProperty('uuid');
});
