const Sequencer = require('@jest/test-sequencer').default;

/**
 * Where jest does not know yet how long a file takes, it begins with the largest, and those with a real server, which take longest, are among
 * the smallest: at the end one core would wait for the last of them.
 */
module.exports = class extends Sequencer {
  sort(tests) {
    const isLong = ({ path, duration }) => duration === undefined && /\/test\/(model|procedures|real)\//.test(path);
    const sorted = super.sort(tests);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
};
