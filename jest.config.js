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
  testTimeout: 60_000,
  // Half of the time is spent waiting for a server: on two cores, jest's own choice would be one at a time.
  maxWorkers: '100%',
};
