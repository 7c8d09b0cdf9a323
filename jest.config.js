const { availableParallelism } = require('node:os');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // They need a real cloud: ./scripts/test-lab.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/lab/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  testSequencer: '<rootDir>/test/sequencer.js',
  testTimeout: 60_000,
  // Most of the time is spent waiting for a server: on two cores four at a time, where jest's own choice would be one.
  maxWorkers: 2 * availableParallelism(),
  // What files leave behind adds up, and a worker that runs out of memory fails the one that it is at.
  workerIdleMemoryLimit: '1GB',
};
