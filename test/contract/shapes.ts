/** Values reduced to what two clouds must have in common: names of fields, and types. */
export type Shape = string | { readonly [field: string]: Shape } | readonly Shape[];

const isId = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{56})$/;

export function shapeOf(value: unknown): Shape {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, each]): [string, Shape] => [
        isId.test(key) ? 'id' : key,
        // Whatever somebody has written there.
        key === 'properties' ? 'null' : shapeOf(each),
      ]),
    );
  return typeof value;
}

/** Where the one is not like the other. Null is like anything; of lists, all entries are one entry. */
export function differences(ours: Shape, theirs: Shape, at = ''): readonly string[] {
  if (ours === 'null' || theirs === 'null') return [];
  if (typeof ours === 'string' || typeof theirs === 'string')
    return ours === theirs ? [] : [`${at}: ${kindOf(ours)}, and ${kindOf(theirs)} on the real one`];
  if (isList(ours) || isList(theirs)) {
    if (!isList(ours) || !isList(theirs)) return [`${at}: ${kindOf(ours)}, and ${kindOf(theirs)} on the real one`];
    const [first, second] = [merged(ours), merged(theirs)];
    return first === undefined || second === undefined ? [] : differences(first, second, `${at}[]`);
  }
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) => {
    const [our, their] = [ours[key], theirs[key]];
    const here = `${at}.${key}`;
    if (our === undefined) return [`${here}: is missing`];
    if (their === undefined) return [`${here}: is not on the real one`];
    return differences(our, their, here);
  });
}

function isList(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape);
}

function kindOf(shape: Shape): string {
  if (typeof shape === 'string') return shape;
  return isList(shape) ? 'a list' : 'fields';
}

/** The first that is not null; of those with fields, all fields. */
function merged(list: readonly Shape[]): Shape | undefined {
  const known = list.filter((each) => each !== 'null');
  const [first] = known;
  if (first === undefined || typeof first === 'string' || isList(first)) return first;
  return Object.assign({}, ...known) as Shape;
}
