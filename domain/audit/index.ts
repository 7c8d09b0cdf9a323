import type { Inventory } from '../inventory';
import { own } from '../names';
import type { VnfRecord } from '../record';
import type { Finding } from './finding';
import { inOrderOfGoing } from './going';
import { knownTo } from './known';
import { judgeGroup, judgePort, judgeServerGroups } from './network';
import { judgeLostPorts, judgeMissing, judgeServers } from './servers';
import { judgeDomains, judgeShares } from './shares';

export { findingKinds, type Finding, type FindingKind } from './finding';

/**
 * Where cloud and record differ. Pure: what is in one of them at this moment, and not in the other.
 *
 * `inHand` are tokens of runs that are at work besides the record's debtors: what bears one of them is theirs, and is judged only when
 * they have ended.
 */
export function compare(record: VnfRecord, inventory: Inventory, inHand: readonly string[] = []): Finding[] {
  const known = knownTo(record, inHand);
  const findings = [
    ...judgeServers(record, inventory, known),
    ...judgeMissing(record, inventory),
    ...judgeLostPorts(record, inventory),
    ...judgeShares(record, inventory),
    ...judgeDomains(record, inventory),
    ...inventory.ports.flatMap((port) => judgePort(port, inventory, known) ?? []),
    ...inventory.securityGroups.flatMap((group) => judgeGroup(group, record, known)),
    ...judgeServerGroups(inventory, known),
  ];
  const why = own(letBeIn, record.phase);
  return why === undefined
    ? inOrderOfGoing(record, inventory, findings)
    : findings.map((finding) => ({ ...finding, repair: `nothing: ${why}`, action: 'leave' }));
}

/**
 * Before anything has been committed no record has its members: what looks left over may be one of them, and serve. Of an instantiate, too:
 * where the record of such a VNF is lost it may have vanished before it could be refused.
 */
const letBeIn: Readonly<Partial<Record<VnfRecord['phase'], string>>> = {
  adopting: 'the VNF is being adopted, and this may be what it is made of; adopt it first',
  instantiating:
    'the VNF has not come to be. What its instantiate has made goes with that, or with a terminate; this may have been there before, and serve: then terminate and adopt it',
};
