import { mapOfCapacity, mapsOfExplanation, mapSvg, mapText, type HostMap } from '../../client/map';
import { capacityOf } from '../../domain/explain/capacity';
import { explain } from '../../domain/explain/explanation';
import { plan } from '../../domain/placement';
import { toldMost, toldOf } from '../../domain/explain/tell';
import { hostNamed, hostsNamed, on, poolNamed, recordOf, snapshotOf, stateOf } from '../domain/build';

/** The picture of hosts and pools: what is in it can be counted, and nothing in a name gets out of its place. */

const pools = [poolNamed('web', { spare: { count: 2 } }), poolNamed('edge', { zone: 'dmz' })];
const record = recordOf([
  { pool: pools[0] ?? poolNamed('web'), state: stateOf(on('web', 'h1 h1 h1 h2 h2 h3 h9')) },
  { pool: pools[1] ?? poolNamed('edge'), state: stateOf(on('edge', 'd1')) },
]);
const snapshot = snapshotOf([
  ...hostsNamed(2),
  hostNamed('h3', { up: false }),
  hostNamed('h4', { enabled: false }),
  hostNamed('d1', { zone: 'dmz' }),
  hostNamed('other', { zone: 'elsewhere' }),
]);

function drawn(svg: string, fill: string): number {
  return svg.split(`rx="3" fill="${fill}"`).length - 1;
}

test('hosts of the zones concerned, by zone, with what is closed and what nobody knows any more', () => {
  expect(mapText(mapOfCapacity(capacityOf(record, snapshot))).split('\n')).toEqual([
    'dmz               web  edge',
    '  d1                .   1/1',
    'mz                web  edge',
    '  h1             3/2!     .',
    '  h2              2/2     .',
    '  h3 (down)       1/2     .',
    '  h4 (disabled)     .     .',
    '  h9              1/2     .',
  ]);
});

test('a cell for each host and pool, coloured by how near the cap it is', () => {
  const svg = mapSvg([mapOfCapacity(capacityOf(record, snapshot))]);
  // One more of each is in the legend.
  expect(drawn(svg, '#d32f2f')).toBe(1 + 1);
  expect(drawn(svg, '#ffb74d')).toBe(2 + 1);
  expect(drawn(svg, '#c8e6c9')).toBe(2 + 1);
  expect(drawn(svg, '#eceff1')).toBe(6 * 2 - 5 + 1);
  expect(svg.split('stroke-dasharray').length - 1).toBe(2 * 2);
  expect(svg).toContain('✕ h3');
  expect(svg).toContain('⊘ h4');
});

const half = { share: { numerator: 1, denominator: 2 } };

function inRacks(): HostMap {
  const racked = [
    { pool: poolNamed('web', { failureDomain: { key: 'rack', spare: half } }), on: 'h1 h2 h5 h9' },
    { pool: poolNamed('api', { failureDomain: { key: 'power', spare: { count: 1 } } }), on: 'h1 h3' },
    { pool: poolNamed('edge', { zone: 'dmz' }), on: 'd1' },
  ];
  const hosts = [
    ...['r2', 'r2', 'r1', 'r1', 'r2'].map((rack, at) =>
      hostNamed(`h${String(at + 1)}`, { domains: { rack, power: at < 4 ? 'p1' : 'p2' } }),
    ),
    hostNamed('d1', { zone: 'dmz', domains: { rack: 'r1' } }),
    hostNamed('h9'),
  ];
  const of = recordOf(racked.map(({ pool, on: at }) => ({ pool, state: stateOf(on(pool.name, at)) })));
  return mapOfCapacity(capacityOf(of, snapshotOf(hosts)));
}

test('hosts of one rack stand together below what the rack has of its share; domains of another key are told below', () => {
  expect(mapText(inRacks()).split('\n')).toEqual([
    'dmz               web   api  edge',
    '  d1                .     .   1/1',
    'mz                web   api  edge',
    '  rack r1           .            ',
    '    h3              .   1/1     .',
    '    h4              .     .     .',
    '  rack r2        3/2!            ',
    '    h1            1/1   1/1     .',
    '    h2            1/1     .     .',
    '    h5            1/1     .     .',
    '  no rack known                  ',
    '    h9            1/1     .     .',
    '  power p1             2/1!      ',
    '  power p2                .      ',
  ]);
});

test('the same in the picture: a rack has its cells above those of its hosts', () => {
  const svg = mapSvg([inRacks()]);
  for (const said of ['rack r1', 'rack r2', 'no rack known', 'power p1']) expect(svg).toContain(`>${said}</text>`);
  expect(svg).toContain('<title>rack r2: 3 of web, at most 2</title>');
  expect(svg).toContain('<title>power p1: 2 of api, at most 1</title>');
  expect(drawn(svg, '#d32f2f')).toBe(2 + 1);
  expectWellFormed(svg);
});

test('a rack that goes on in the next column is named there again', () => {
  const hosts = Array.from({ length: 60 }, (_, at) =>
    hostNamed(`cmp-${String(at)}`, { domains: { rack: at < 10 ? 'r1' : 'r2' } }),
  );
  const of = recordOf([{ pool: poolNamed('web', { failureDomain: { key: 'rack', spare: half } }) }]);
  const svg = mapSvg([mapOfCapacity(capacityOf(of, snapshotOf(hosts)))]);
  expect(svg.split('>rack r1</text>')).toHaveLength(1 + 1);
  expect(svg.split('>rack r2</text>')).toHaveLength(1 + 2);
  expectWellFormed(svg);
});

test('before and after a plan, one below the other', () => {
  const whole = recordOf([{ pool: poolNamed('web'), state: stateOf(on('web', 'h1 h2 h3')) }]);
  const input = {
    record: whole,
    snapshot: snapshotOf(hostsNamed(4)),
    request: { kind: 'scaleOut', pool: 'web', to: 4 },
  } as const;
  const planned = plan(input);
  if (!planned.ok) throw new Error(planned.refusal.message);
  const maps = mapsOfExplanation(
    'v1',
    explain(whole, { ...planned.plan, told: toldOf(input, planned.plan, toldMost) }),
  );
  expect(maps.map(({ title }) => title)).toEqual(['v1 before', 'v1 after']);
  const [before, after] = maps.map(mapText);
  expect(before).toMatch(/h4 +\./);
  expect(after).toMatch(/h4 +1\/1/);
  expect(mapSvg(maps).split('h4').length).toBeGreaterThan(2);
});

/** Every tag is closed in its order, and every `&` begins an entity that XML knows. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, end, name = '', , closed] of svg.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<]*")*)(\/?)>/g)) {
    if (end === '/') expect(open.pop()).toBe(name);
    else if (closed !== '/') open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<\/?[a-z]+(?: [a-zA-Z:-]+="[^"<]*")*\/?>/g, '')).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot);)/);
}

test('whatever things are called, it is XML, and nothing that a name says is obeyed', () => {
  const nasty = '</text><script>alert(1)</script>&"\u0000\u001b[31m\ud800';
  const map: HostMap = {
    title: nasty,
    pools: [{ name: nasty, cap: 1 }],
    hosts: [
      { name: nasty, zone: nasty, state: 'open' },
      { name: '__proto__', zone: 'mz', state: 'down' },
    ],
    moreHosts: 3,
    members: { [nasty]: { [nasty]: 2 } },
  };
  const svg = mapSvg([map]);
  expectWellFormed(svg);
  expect(svg).not.toContain('<script');
  // eslint-disable-next-line no-control-regex -- these are what must not be there
  expect(svg).not.toMatch(/[\u0000-\u0008\u001b]|[\ud800-\udfff]/u);
  expect(svg).toContain('and 3 more hosts');
});

test('two thousand hosts make columns and rows of columns, not a ribbon', () => {
  const hosts = Array.from({ length: 2_000 }, (_, at) => hostNamed(`cmp-${String(at)}`));
  const svg = mapSvg([mapOfCapacity(capacityOf(record, snapshotOf(hosts)))]);
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
  expect(Number(width)).toBeLessThan(2_000);
  expect(Number(height)).toBeLessThan(16_000);
  expectWellFormed(svg);
});
