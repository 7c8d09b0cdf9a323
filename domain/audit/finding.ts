/** What an audit finds: a closed list. */
export const findingKinds = [
  /** A server that is tagged as the VNF's, and is in no record. */
  'orphan',
  /** A second server of one member. */
  'double',
  /** A server of the VNF that bears another VNF's tag: beside ours, or where a member has lost ours. */
  'foreignTag',
  /** A member whose server does not bear the VNF's tag. */
  'noTag',
  /** A member in service whose server the cloud does not have. */
  'missing',
  /** A member in service whose server the cloud says is in ERROR, or SHUTOFF. */
  'notActive',
  /** A member in service that has lost a port of the record's. */
  'noPort',
  /** A member on another host than the record has it on. */
  'wrongHost',
  /** A member in another zone than its pool's. */
  'wrongZone',
  /** More members of a pool in service on a host than its share. */
  'shareBroken',
  /** More members of a pool in service in a failure domain than its share. */
  'domainShareBroken',
  /** A host with members of a pool that keeps to failure domains, of which nobody says the domain, or two say different ones. */
  'noDomain',
  'leftoverPort',
  'leftoverSecurityGroup',
  /** A rule of a group of ours that the descriptor does not say. */
  'leftoverRule',
  /** A rule that the descriptor says, and a group of ours does not have: what it lets in is kept out. */
  'missingRule',
  'leftoverServerGroup',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** As the cloud calls it; of what is missing, the member's name. */
  readonly name: string;
  /** Of a rule that is missing, its security group's. */
  readonly id: string;
  /** Of a member, or of what was to be one. */
  readonly pool?: string;
  readonly ordinal?: number;
  /** What is wrong, in a sentence. */
  readonly wrong: string;
  /** What `repair` does about it, or would, in a sentence. */
  readonly repair: string;
  /** The same for a program: delete it by its id, make it again, put a member's tags back, report it dead, or leave it to a person or another procedure. */
  readonly action: 'delete' | 'create' | 'tag' | 'reportDead' | 'leave';
}
