import type { PortFound, ServerFound } from '../inventory';
import { tag, vnfsIn } from '../names';

/**
 * What stands in the place of a turn's token in the tags of what no turn of ours has made. No clean-up ever looks for it. It says whose it
 * is, so that of two VNFs that take over one server at a time each sees the other. Earlier releases called all of them `adopted`.
 */
export function adoptedToken(vnf: string): string {
  return `adopted-${vnf}`;
}

/** Who has a server by its tags, or is just taking it over. */
export function claimantsIn(tags: readonly string[]): readonly string[] {
  const prefix = tag.token(adoptedToken(''));
  const taking = tags.flatMap((each) => (each.startsWith(prefix) ? [each.slice(prefix.length)] : []));
  return [...new Set([...vnfsIn(tags), ...taking])];
}

/**
 * Whether a server is another VNF's, or may be, as its tags and the marks of its ports say; null where it is not. Without a tag that says whose
 * it is, the tags that remain are no stranger's: a member that has lost one still serves. Only what an adopt of this VNF has left when it
 * was broken off is known by its `token`.
 */
export function foreignTo(
  vnf: string,
  server: Pick<ServerFound, 'id' | 'tags'>,
  ports: readonly PortFound[],
): { readonly wrong: string; readonly then: string } | null {
  const { id, tags } = server;
  const vnfs = vnfsIn(tags);
  const others = vnfs.filter((each) => each !== vnf);
  if (others.length > 0)
    return vnfs.includes(vnf)
      ? {
          wrong: `it is tagged as ${vnf}'s, and as ${others.join("'s and ")}'s`,
          then: 'left alone; take off the tag of the VNF that it does not serve for',
        }
      : { wrong: `it is tagged as ${others.join("'s and ")}'s`, then: 'left alone' };
  const port = ports.find((each) => each.deviceId === id && each.vnf !== undefined && each.vnf !== vnf);
  if (port) return { wrong: `its port ${port.name} (${port.id}) is marked as ${port.vnf ?? ''}'s`, then: 'left alone' };
  if (vnfs.includes(vnf) || tags.length === 0) return null;
  const claimants = claimantsIn(tags);
  if (claimants.includes(vnf) && claimants.length === 1 && tags.filter(isToken).length === 1) return null;
  const whose =
    claimants.length > 0 ? `an adopt of ${claimants.join(' and of ')} has begun with it` : 'no tag says whose it is';
  return {
    wrong: `it bears ${tags.join(', ')}, and ${whose}`,
    then: `left alone; where it is ${vnf}'s, put bulkhead:vnf=${vnf} on it again, and where it is nobody's, take these off`,
  };
}

function isToken(each: string): boolean {
  return each.startsWith(tag.token(''));
}
