/** The acts of the demo, and how each must end for an operator. */
export const acts: readonly [act: string, outcome: string][] = [
  ['instantiate', 'completed'],
  ['scaleOut', 'completed'],
  ['scaleIn', 'completed'],
  ['heal', 'completed'],
  ['evacuateFailed', 'completed'],
  ['evacuateMaintenance', 'completed'],
  ['quotaRefused', 'refused'],
  ['roomRefused', 'refused'],
  ['misplacedUnwound', 'unwound'],
  ['terminatedCleaned', 'unwound'],
  ['terminate', 'completed'],
];

/** For a tenant, room is unknown until it is tried. `differing`: what else ends otherwise. */
export function actsOfTenant(differing: Readonly<Record<string, string>> = {}): [act: string, outcome: string][] {
  const ends: Readonly<Record<string, string>> = { roomRefused: 'unwound', ...differing };
  return acts.map(([act, outcome]) => [act, ends[act] ?? outcome]);
}
