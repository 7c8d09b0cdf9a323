/**
 * What the cloud has of VNFs that have no record: what came after a terminate had looked for the last time, what a lost Temporal database
 * has left, and what is another Bulkhead's on the same project. Pure.
 */

export const orphanKinds = ['server', 'port', 'securityGroup', 'serverGroup'] as const;
export type OrphanKind = (typeof orphanKinds)[number];

/** One thing in the cloud that says by its tags or marks which VNF it is of. */
export interface Orphan {
  readonly kind: OrphanKind;
  readonly id: string;
  readonly name: string;
  readonly vnf: string;
}

/** All that the cloud has of one VNF without a record. */
export interface UnrecordedVnf {
  readonly vnf: string;
  readonly counts: Readonly<Record<OrphanKind, number>>;
  /** By kind, servers first. Those that are not told are in the counts. */
  readonly things: readonly Omit<Orphan, 'vnf'>[];
  /** What to do about it, in a sentence. */
  readonly remedy: string;
}

/** By VNF, at most `most` things told of all of them together, of each VNF as many as of the others. */
export function unrecordedVnfs(orphans: readonly Orphan[], most: number): UnrecordedVnf[] {
  const vnfs = [...new Set(orphans.map(({ vnf }) => vnf))].sort();
  const each = Math.floor(most / Math.max(1, vnfs.length));
  return vnfs.map((vnf) => {
    const counts = { server: 0, port: 0, securityGroup: 0, serverGroup: 0 };
    const ofVnf = orphanKinds.flatMap((kind) => orphans.filter((thing) => thing.vnf === vnf && thing.kind === kind));
    for (const { kind } of ofVnf) counts[kind] += 1;
    const things = ofVnf.slice(0, each).map(({ kind, id, name }) => ({ kind, id, name }));
    return { vnf, counts, things, remedy: remedyFor(vnf, counts) };
  });
}

function remedyFor(vnf: string, { server }: UnrecordedVnf['counts']): string {
  return server > 0
    ? `nothing was touched: where its record is lost, adopt ${vnf} with the descriptor that it was made with, and terminate it then if nobody needs it; where another Bulkhead has it, leave it`
    : `nothing was touched: no server is left, so unless another Bulkhead is just making ${vnf}, delete these by hand (ports that no server holds first, then groups)`;
}
