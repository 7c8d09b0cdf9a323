import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Files that others write to, line by line, read on from where they end now. */
export interface Follower {
  /** All lines that were written since the last time, those of each file in their order. */
  readonly read: () => string[];
}

const pieceBytes = 1 << 20;

export function follow(directory: string): Follower {
  const places = new Map<string, Place>();
  for (const name of filesIn(directory)) places.set(name, { offset: sizeOf(join(directory, name)), rest: '' });
  return {
    read: () =>
      filesIn(directory).flatMap((name) => {
        // A file that comes later is read from its beginning.
        const place = places.get(name) ?? { offset: 0, rest: '' };
        places.set(name, place);
        return readOn(join(directory, name), place);
      }),
  };
}

interface Place {
  offset: number;
  /** The beginning of a line that is not finished. */
  rest: string;
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

function sizeOf(path: string): number {
  const file = openSync(path, 'r');
  try {
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

function readOn(path: string, place: Place): string[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    // Somebody has begun it anew.
    if (size < place.offset) Object.assign(place, { offset: 0, rest: '' });
    const parts: Buffer[] = [];
    while (place.offset < size) {
      const piece = Buffer.alloc(Math.min(pieceBytes, size - place.offset));
      const read = readSync(file, piece, 0, piece.length, place.offset);
      if (read === 0) break;
      parts.push(piece.subarray(0, read));
      place.offset += read;
    }
    const lines = `${place.rest}${Buffer.concat(parts).toString('utf8')}`.split('\n');
    place.rest = lines.pop() ?? '';
    return lines;
  } finally {
    closeSync(file);
  }
}
