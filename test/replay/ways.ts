/** The ways (`patched`) that a run went, by its history as JSON has it. */

export interface MarkerRecorded {
  readonly markerName?: string;
  readonly details?: Readonly<Record<string, { readonly payloads?: readonly { readonly data?: string }[] }>>;
}

interface Event {
  readonly markerRecordedEventAttributes?: MarkerRecorded;
}

/** What a marker of this name says, under this key; nothing where it has another name. */
export function markerDetails(
  marker: MarkerRecorded | undefined,
  { name, key }: { readonly name: string; readonly key: string },
): unknown[] {
  if (marker?.markerName !== name) return [];
  const payloads = marker.details?.[key]?.payloads ?? [];
  return payloads.map(({ data = '' }) => JSON.parse(Buffer.from(data, 'base64').toString()) as unknown);
}

export function waysIn({ events }: { readonly events: readonly object[] }): string[] {
  return (events as readonly Event[]).flatMap(({ markerRecordedEventAttributes: marker }) =>
    markerDetails(marker, { name: 'core_patch', key: 'patch-data' }).map((said) => (said as { id: string }).id),
  );
}
