const Sequencer = require('@jest/test-sequencer').default;

/**
 * First those with a real server or worker processes, which mostly wait and have something of the machine left; then those that reckon, and
 * would keep them waiting. Of each kind the longest, or the largest where jest does not know yet how long a file takes.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const waits = ({ path }) => /\/test\/(client|model|procedures|real|replay|scripts|workers)\//.test(path);
    const sorted = super.sort(tests);
    return [...sorted.filter(waits), ...sorted.filter((test) => !waits(test))];
  }
};
