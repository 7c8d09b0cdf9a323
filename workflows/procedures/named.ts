import { failure } from '../../domain/failure';
import { memberName, own, readMemberName } from '../../domain/names';
import type { MemberRef } from '../../domain/plan';
import type { VnfRecord } from '../../domain/record';
import { toApplicationFailure } from '../failures';

/** Members as a caller names them. What is not one of them is refused, with some that are. */
export function membersNamed(view: VnfRecord, names: readonly string[]): MemberRef[] {
  return names.map((name) => known(view, name));
}

function known(view: VnfRecord, name: string): MemberRef {
  const ref = readMemberName(view.vnf, name);
  const pool = ref && own(view.pools, ref.pool);
  if (ref && pool && [...pool.inService, ...pool.failed].some((member) => member.ordinal === ref.ordinal)) return ref;
  const names = Object.values(view.pools).flatMap((each) =>
    each.inService.map((member) => memberName(view.vnf, member.pool, member.ordinal)),
  );
  const some = names.slice(0, 10).join(', ');
  throw toApplicationFailure(
    failure(
      'InvalidRequest',
      `${name} is not a member of ${view.vnf}. Its members are ${some}${names.length > 10 ? ', …' : ''}.`,
      {
        vnf: view.vnf,
        problems: [{ path: 'members', message: `${name} is not a member` }],
      },
    ),
    'refused',
  );
}
