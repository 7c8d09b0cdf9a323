import type { Capacity } from '../domain/explain/capacity';
import type { Explanation, HostTable } from '../domain/explain/explanation';
import { grouped } from '../domain/grouped';
import { own } from '../domain/names';
import type { SeenHost } from '../domain/explain/seenHosts';
import { aligned } from './aligned';

/** Hosts by pools: how many members each has, and how near to the cap that is. Hosts of one failure domain stand together. */
export interface HostMap {
  readonly title: string;
  readonly pools: readonly MapPool[];
  readonly hosts: readonly SeenHost[];
  readonly moreHosts: number;
  readonly members: HostTable;
}

interface MapPool {
  readonly name: string;
  readonly cap: number;
  /** Of each failure domain in the pool's zone; absent where it keeps to none. */
  readonly failureDomain?: { readonly key: string; readonly zone: string; readonly cap: number };
}

export function mapOfCapacity({ vnf, pools, hosts, moreHosts }: Capacity): HostMap {
  const members: Record<string, Record<string, number>> = {};
  for (const { pool, on } of pools)
    for (const [host, count] of Object.entries(on)) members[host] = { ...own(members, host), [pool]: count };
  const mapped = pools.map(({ pool: name, zone, cap, failureDomain: outer }): MapPool => ({
    ...{ name, cap },
    ...(outer && { failureDomain: { key: outer.key, zone, cap: outer.cap } }),
  }));
  return { title: vnf, pools: mapped, hosts, moreHosts, members };
}

/** As things are, and as they will be. */
export function mapsOfExplanation(vnf: string, explanation: Explanation): HostMap[] {
  const { before, after, caps, told } = explanation;
  const named = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const listed = told?.hosts ?? [];
  const known = new Set(listed.map(({ name }) => name));
  const rest = named.filter((name) => !known.has(name));
  const hosts = [...listed, ...rest.map((name): SeenHost => ({ name, zone: '', state: 'unknown' }))];
  return (['before', 'after'] as const).map((when) => ({
    title: `${vnf} ${when}`,
    pools: Object.entries(caps).map(([name, { failureDomain: outer, ...cap }]): MapPool => ({
      ...{ name, cap: cap[when] },
      ...(outer && { failureDomain: { key: outer.key, zone: outer.zone, cap: outer[when] } }),
    })),
    hosts,
    moreHosts: told?.moreHosts ?? 0,
    members: when === 'before' ? before : after,
  }));
}

function zonesOf({ hosts }: HostMap): [zone: string, hosts: SeenHost[]][] {
  const zones = new Map<string, SeenHost[]>();
  for (const host of hosts) zones.set(host.zone, [...(zones.get(host.zone) ?? []), host]);
  return [...zones];
}

/** A line of a zone: a host, or a failure domain above its hosts. */
type MapLine = DomainLine | { readonly host: SeenHost; readonly depth: number };

interface DomainLine {
  readonly key: string;
  /** Null: of these hosts nobody says it. */
  readonly domain: string | null;
  /** Of the pools that keep to it, what each has there and may have. */
  readonly cells: Readonly<Record<string, { readonly count: number; readonly cap: number }>>;
}

/**
 * Hosts by the failure domains of the key that the zone's first pool keeps to that keeps to any; the domains of other keys nest otherwise, and are told below
 * the hosts.
 */
function linesOf(map: HostMap, zone: string, hosts: readonly SeenHost[]): MapLine[] {
  const outers = map.pools.flatMap(({ failureDomain: outer }) => (outer?.zone === zone ? [outer.key] : []));
  const [first, ...others] = new Set(outers);
  if (first === undefined) return hosts.map((host) => ({ host, depth: 0 }));
  return [
    ...byDomain(hosts, first).flatMap(([domain, within]): MapLine[] => [
      domainLine(map, { key: first, domain, zone, hosts: within }),
      ...within.map((host) => ({ host, depth: 1 })),
    ]),
    ...others.flatMap((key) =>
      byDomain(hosts, key)
        .filter(([domain]) => domain !== null)
        .map(([domain, within]) => domainLine(map, { key, domain, zone, hosts: within })),
    ),
  ];
}

/** Those of which nobody says it come last. */
function byDomain(hosts: readonly SeenHost[], key: string): [domain: string | null, hosts: SeenHost[]][] {
  return [...grouped(hosts, ({ domains = {} }) => own(domains, key) ?? null)].sort(([a], [b]) =>
    a === null ? 1 : b === null ? -1 : a < b ? -1 : 1,
  );
}

function domainLine(
  { pools, members }: HostMap,
  at: {
    readonly key: string;
    readonly domain: string | null;
    readonly zone: string;
    readonly hosts: readonly SeenHost[];
  },
): DomainLine {
  const { key, domain, zone, hosts } = at;
  const keeping = pools.flatMap(({ name, failureDomain: outer }) => {
    if (domain === null || outer?.key !== key || outer.zone !== zone) return [];
    const count = hosts.reduce((sum, host) => sum + (own(own(members, host.name) ?? {}, name) ?? 0), 0);
    return [[name, { count, cap: outer.cap }] as const];
  });
  return { key, domain, cells: Object.fromEntries(keeping) };
}

function domainSaid({ key, domain }: Pick<DomainLine, 'key' | 'domain'>): string {
  return domain === null ? `no ${key} known` : `${key} ${domain}`;
}

/** For a terminal: `2/3` are two of the three that may be there, and `4/3!` is above the cap. */
export function mapText(map: HostMap): string {
  const rows = zonesOf(map).flatMap(([zone, hosts]) => [
    [zone === '' ? 'hosts' : zone, ...map.pools.map(({ name }) => name)],
    ...linesOf(map, zone, hosts).map((line) => textOf(map, line)),
  ]);
  const more = map.moreHosts > 0 ? [`and ${String(map.moreHosts)} more hosts`] : [];
  return [aligned(rows), ...more].join('\n');
}

function textOf({ pools, members }: HostMap, line: MapLine): string[] {
  const said = (count: number, cap: number): string =>
    count === 0 ? '.' : `${String(count)}/${String(cap)}${count > cap ? '!' : ''}`;
  if (!('host' in line)) {
    const cells = pools.map(({ name }) => own(line.cells, name));
    return [`  ${domainSaid(line)}`, ...cells.map((cell) => (cell ? said(cell.count, cell.cap) : ''))];
  }
  const { host, depth } = line;
  const { name, state } = host;
  return [
    `${'  '.repeat(depth + 1)}${name}${state === 'down' || state === 'disabled' ? ` (${state})` : ''}`,
    ...pools.map(({ name: pool, cap }) => said(own(own(members, name) ?? {}, pool) ?? 0, cap)),
  ];
}

const row = 22;
const cell = 54;
const hostWidth = 150;
const gap = 24;
/** Lines of a zone in one column; more make further columns, so that the picture is no ribbon. */
const columnRows = 40;
const widest = 1_800;

interface Drawn {
  readonly width: number;
  readonly height: number;
  readonly text: string;
}

/** One picture of them all, one below the other. It needs nothing but itself: no script, no font, no style from elsewhere. */
export function mapSvg(maps: readonly HostMap[]): string {
  const drawn: Drawn[] = [];
  let top = gap;
  for (const map of maps) {
    const one = drawMap(map, top);
    drawn.push(one);
    top += one.height + gap;
  }
  const width = Math.max(legendWidth, ...drawn.map((each) => each.width)) + 2 * gap;
  const height = top + row + gap;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(maps.map(({ title }) => title).join(', '))}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...drawn.map(({ text }) => text),
    legend(top),
    '</svg>',
    '',
  ].join('\n');
}

function drawMap(map: HostMap, top: number): Drawn {
  const columns = zonesOf(map).flatMap(([zone, hosts]) => columnsOf(zone, linesOf(map, zone, hosts)));
  const width = hostWidth + map.pools.length * cell;
  const perStrip = Math.max(1, Math.floor(widest / (width + gap)));
  let y = top + row;
  const parts = [label(map.title, { x: gap, y: top + 14, weight: 'bold', size: 15 })];
  for (let at = 0; at < columns.length; at += perStrip) {
    const strip = columns.slice(at, at + perStrip);
    strip.forEach((column, index) => {
      parts.push(drawColumn(map, column, { x: gap + index * (width + gap), y }));
    });
    y += (2 + Math.max(...strip.map(({ lines }) => lines.length))) * row + gap;
  }
  if (map.moreHosts > 0) {
    parts.push(label(`and ${String(map.moreHosts)} more hosts`, { x: gap, y }));
    y += row;
  }
  return {
    width: Math.min(perStrip, Math.max(1, columns.length)) * (width + gap) - gap,
    height: y - top,
    text: parts.join('\n'),
  };
}

interface Column {
  readonly zone: string;
  readonly lines: readonly MapLine[];
}

/** A failure domain that goes on in the next column is named there again. */
function columnsOf(zone: string, lines: readonly MapLine[]): Column[] {
  const columns: MapLine[][] = [];
  let above: DomainLine | undefined;
  for (const line of lines) {
    if (!('host' in line)) above = line;
    const last = columns.at(-1);
    if (last && last.length < columnRows) last.push(line);
    else columns.push('host' in line && above ? [above, line] : [line]);
  }
  return columns.map((each) => ({ zone, lines: each }));
}

function drawColumn(
  { pools, members }: HostMap,
  { zone, lines }: Column,
  { x, y }: { readonly x: number; readonly y: number },
): string {
  const width = hostWidth + pools.length * cell;
  return [
    `<rect x="${String(x)}" y="${String(y)}" width="${String(width)}" height="${String(row)}" fill="#37474f"/>`,
    label(zone === '' ? 'hosts' : zone, { x: x + 6, y: y + 15, fill: '#ffffff', weight: 'bold', widest: hostWidth }),
    ...pools.map(({ name, cap }, index) =>
      label(name, {
        x: x + hostWidth + index * cell + cell / 2,
        y: y + row + 15,
        anchor: 'middle',
        widest: cell - 4,
        says: `${name}, at most ${String(cap)} on a host`,
      }),
    ),
    ...lines.map((line, index) => {
      const at = { x, y: y + (index + 2) * row };
      return 'host' in line ? drawHost({ pools, members, ...line }, at) : drawDomain({ pools, line }, at);
    }),
  ].join('\n');
}

function drawDomain(
  { pools, line }: Pick<HostMap, 'pools'> & { readonly line: DomainLine },
  { x, y }: { readonly x: number; readonly y: number },
): string {
  const said = domainSaid(line);
  const width = hostWidth + pools.length * cell;
  return [
    `<rect x="${String(x)}" y="${String(y)}" width="${String(width)}" height="${String(row)}" fill="#cfd8dc"/>`,
    label(said, { x: x + 6, y: y + 15, weight: 'bold', widest: hostWidth - 10, says: said }),
    ...pools.flatMap(({ name }, index) => {
      const there = own(line.cells, name);
      const left = x + hostWidth + index * cell;
      return there ? [drawCell({ ...there, pool: name, said, isShut: false }, { left, y })] : [];
    }),
  ].join('\n');
}

function drawHost(
  { pools, members, host, depth }: Pick<HostMap, 'pools' | 'members'> & Exclude<MapLine, DomainLine>,
  { x, y }: { readonly x: number; readonly y: number },
): string {
  const { name, state } = host;
  const shut = state === 'down' || state === 'disabled';
  const there = own(members, name) ?? {};
  const said = shut ? `${name} (${state})` : name;
  const indent = 6 + depth * 10;
  return [
    label(shut ? `${state === 'down' ? '✕' : '⊘'} ${name}` : name, {
      x: x + indent,
      y: y + 15,
      fill: state === 'down' ? '#b71c1c' : shut ? '#757575' : '#212121',
      weight: shut ? 'bold' : 'normal',
      widest: hostWidth - indent - 4,
      says: said,
    }),
    ...pools.map(({ name: pool, cap }, index) =>
      drawCell(
        { pool, cap, count: own(there, pool) ?? 0, said, isShut: shut },
        { left: x + hostWidth + index * cell, y },
      ),
    ),
  ].join('\n');
}

function drawCell(
  what: {
    readonly pool: string;
    readonly count: number;
    readonly cap: number;
    /** Where. */
    readonly said: string;
    readonly isShut: boolean;
  },
  { left, y }: { readonly left: number; readonly y: number },
): string {
  const { pool, count, cap, said, isShut } = what;
  const { fill, ink } = colourOf(count, cap);
  return [
    `<g><title>${escaped(`${said}: ${String(count)} of ${pool}, at most ${String(cap)}`)}</title>`,
    `<rect x="${String(left + 1)}" y="${String(y + 1)}" width="${String(cell - 2)}" height="${String(row - 2)}" rx="3" fill="${fill}"${isShut ? ' stroke="#b71c1c" stroke-dasharray="3 2"' : ''}/>`,
    ...(count > 0
      ? [
          `<text x="${String(left + cell / 2)}" y="${String(y + 15)}" text-anchor="middle" fill="${ink}">${String(count)}/${String(cap)}</text>`,
        ]
      : []),
    '</g>',
  ].join('');
}

const colours = [
  { says: 'none', fill: '#eceff1', ink: '#212121' },
  { says: 'up to half of the cap', fill: '#c8e6c9', ink: '#212121' },
  { says: 'more than half', fill: '#fff176', ink: '#212121' },
  { says: 'at the cap', fill: '#ffb74d', ink: '#212121' },
  { says: 'above the cap', fill: '#d32f2f', ink: '#ffffff' },
] as const;
const legendWidth = 860;

function colourOf(count: number, cap: number): (typeof colours)[number] {
  if (count === 0) return colours[0];
  if (count > cap) return colours[4];
  if (count === cap) return colours[3];
  return count * 2 > cap ? colours[2] : colours[1];
}

function legend(y: number): string {
  const parts = colours.map(({ says, fill }, index) => {
    const x = gap + index * 150;
    return `<rect x="${String(x)}" y="${String(y)}" width="14" height="14" rx="3" fill="${fill}" stroke="#90a4ae"/>${label(says, { x: x + 20, y: y + 12 })}`;
  });
  return [...parts, label('✕ down   ⊘ disabled', { x: gap + 750, y: y + 12 })].join('\n');
}

/** About as wide as a letter is at this size. */
const letter = 6.6;

function label(
  text: string,
  at: {
    readonly x: number;
    readonly y: number;
    readonly fill?: string;
    readonly weight?: 'bold' | 'normal';
    readonly size?: number;
    readonly anchor?: 'middle';
    readonly widest?: number;
    /** In full, for who points at it. */
    readonly says?: string;
  },
): string {
  const { x, y, fill = '#212121', weight = 'normal', size, anchor, widest: most, says } = at;
  const letters = most === undefined ? text.length : Math.floor(most / letter);
  const shown = text.length > letters ? `${text.slice(0, Math.max(1, letters - 1))}…` : text;
  const more = [
    ...(weight === 'bold' ? ['font-weight="bold"'] : []),
    ...(size === undefined ? [] : [`font-size="${String(size)}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
  ].join(' ');
  const title = says !== undefined && says !== shown ? `<title>${escaped(says)}</title>` : '';
  return `<text x="${String(x)}" y="${String(y)}" fill="${fill}"${more === '' ? '' : ` ${more}`}>${title}${escaped(shown)}</text>`;
}

/** What XML has no place for at all is left out. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}
