const Sequencer = require('@jest/test-sequencer').default;

/**
 * Files with a real server mostly wait, and the others reckon: they are begun in turns, so that while one waits another has its core. Of each
 * kind the longest is first, or the largest where jest does not know yet how long it takes; and those that wait are through a little earlier, so
 * that no core is left alone with the last of them.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const waits = ({ path }) => /\/test\/(model|procedures|real|scripts)\//.test(path);
    const sorted = super.sort(tests);
    const [waiting, reckoning] = [sorted.filter(waits), sorted.filter((test) => !waits(test))];
    const placed = [
      ...waiting.map((test, index) => ({ test, at: (0.8 * index) / waiting.length })),
      ...reckoning.map((test, index) => ({ test, at: index / reckoning.length })),
    ];
    return placed.sort((a, b) => a.at - b.at).map(({ test }) => test);
  }
};
