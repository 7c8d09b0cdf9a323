import { Refusal, type Request } from '../routing';

/** To the letter: "Quota exceeded for cores, instances: Requested 3, 3, but already used 2, 2 of 3, 2 cores, instances". */
export function checkQuota({ project }: Request, more: Readonly<Record<'instances' | 'cores' | 'ram', number>>): void {
  const used = project.usage.all;
  const over = (['cores', 'instances', 'ram'] as const).filter((name) => {
    const limit = project.quotas.get(name) ?? -1;
    return limit >= 0 && used[name] + more[name] > limit;
  });
  if (over.length === 0) return;
  const each = (value: (name: (typeof over)[number]) => number | undefined): string =>
    over.map((name) => String(value(name) ?? 0)).join(', ');
  const names = over.join(', ');
  throw new Refusal(
    403,
    `Quota exceeded for ${names}: Requested ${each((name) => more[name])}, but already used ${each((name) => used[name])} of ${each((name) => project.quotas.get(name))} ${names}`,
  );
}

/** Of ports that Nova would have to make. */
export function checkPortQuota({ cloud, project }: Request, more: number): void {
  const limit = project.quotas.get('ports') ?? -1;
  if (more === 0 || limit < 0) return;
  let used = 0;
  for (const port of cloud.ports.values()) if (port.projectId === project.id) used += 1;
  if (used + more > limit) throw new Refusal(403, 'Maximum number of ports exceeded');
}
