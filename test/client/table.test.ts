import { orphansText } from '../../client/table';
import { unrecordedVnfs, type Orphan } from '../../domain/orphans';

/** What a person reads of a result. */

function text(orphans: readonly Orphan[], most: number): string[] {
  return orphansText({ outcome: 'completed', procedure: 'orphans', unrecorded: unrecordedVnfs(orphans, most) }).split(
    '\n',
  );
}

test('orphans are told by VNF with what to do, servers first; those beyond the bound are counted', () => {
  const of = (kind: Orphan['kind'], id: string, vnf: string): Orphan => ({ kind, id, name: `${vnf}-${id}`, vnf });
  const there = [of('port', 'p1', 'b'), of('port', 'p2', 'a'), of('server', 's1', 'a'), of('serverGroup', 'g1', 'a')];
  expect(text(there, 4)).toEqual([
    expect.stringMatching(/^a has no record: nothing was touched: .*adopt a /) as string,
    '  server a-s1 (s1)',
    '  port a-p2 (p2)',
    '  and 1 more',
    expect.stringMatching(/^b has no record: .*delete these by hand/) as string,
    '  port b-p1 (p1)',
  ]);
  expect(text([], 4)).toEqual(['nothing: every VNF has a record']);
});
