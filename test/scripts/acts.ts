/** The acts of the demo, and how each must end. */
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
