/** What a call was asked, in a word that is the same in every run: no tokens, no ids, no times. */
export function brief(name: string, input: unknown): string {
  const given = (input ?? {}) as Given;
  switch (name) {
    case 'launch':
      return names(given.rows);
    case 'awaitHealthy':
    case 'drain':
      return names(given.members);
    case 'evacuate':
      return names((given.moves ?? []).map(({ member }) => member));
    case 'remove':
      return [names(given.members), ...(given.orphans ?? []).map(nameOf)].filter((each) => each !== '').join(' ');
    case 'plan':
      return given.request?.kind ?? '';
    case 'publish':
      return `revision ${String(given.publication?.revision ?? '')}`;
    case 'removeByToken':
      return 'all that bears the token';
    case 'removeGroups':
      return (given.groups?.pools ?? []).join(' ');
    default:
      return '';
  }
}

interface Ref {
  readonly pool: string;
  readonly ordinal: number;
}

interface Given {
  readonly rows?: readonly Ref[];
  readonly members?: readonly Ref[];
  readonly moves?: readonly { readonly member: Ref }[];
  readonly orphans?: readonly Ref[];
  readonly request?: { readonly kind: string };
  readonly publication?: { readonly revision: number };
  readonly groups?: { readonly pools: readonly string[] };
}

function names(refs: readonly Ref[] = []): string {
  return refs.map(nameOf).join(' ');
}

function nameOf({ pool, ordinal }: Ref): string {
  return `${pool}-${String(ordinal)}`;
}
