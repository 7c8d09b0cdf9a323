import { join, resolve } from 'node:path';

/** The root of the repository, from `dist/scripts/lib` as well as from `scripts/lib`. */
export const root = resolve(__dirname, __dirname.includes(join('dist', 'scripts')) ? '../../..' : '../..');
