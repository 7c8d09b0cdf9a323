/** The ways (`patched`) that a run went, by its history as JSON has it. */

interface MarkerRecorded {
  readonly markerName?: string;
  readonly details?: Readonly<Record<string, { readonly payloads?: readonly { readonly data?: string }[] }>>;
}

interface Event {
  readonly markerRecordedEventAttributes?: MarkerRecorded;
}

export function waysIn({ events }: { readonly events: readonly object[] }): string[] {
  return (events as readonly Event[]).flatMap(({ markerRecordedEventAttributes: marker }) => {
    if (marker?.markerName !== 'core_patch') return [];
    const payloads = Object.values(marker.details ?? {}).flatMap((each) => each.payloads ?? []);
    return payloads.map(({ data = '' }) => (JSON.parse(Buffer.from(data, 'base64').toString()) as { id: string }).id);
  });
}
