const common = require('../../jest.config.js');

/** Faults on a real cloud: run by ./scripts/test-lab, where the lab is up. @type {import('jest').Config} */
module.exports = {
  ...common,
  rootDir: '../..',
  roots: ['<rootDir>/test/lab'],
  testPathIgnorePatterns: ['/node_modules/'],
  // One cloud: one file at a time.
  maxWorkers: 1,
};
