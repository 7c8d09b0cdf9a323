import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Calls that make a replay, or a plan, come out differently from one time to the next. */
const impure = [
  {
    object: 'Math',
    property: 'random',
    message: 'Not here: the same input must give the same answer. Use uuid4() in workflows.',
  },
  { object: 'Date', property: 'now', message: 'Not here: the planner has no clock.' },
];

/** Node 20.3 has it, and it says no to some addresses once it is compiled. */
const unsound = { object: 'URL', property: 'canParse', message: 'Wrong now and then on Node 20.3: try new URL().' };

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', '**/*.cjs', '**/*.js', '**/*.mjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-properties': ['error', unsound],
    },
  },
  {
    files: ['domain/**/*.ts', 'workflows/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', unsound, ...impure.filter(({ property }) => property !== 'now')],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'No I/O here: that is what activities are for.' }],
    },
  },
  { files: ['domain/**/*.ts'], rules: { 'no-restricted-properties': ['error', unsound, ...impure] } },
  {
    files: ['activities/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.object.name="Promise"][callee.property.name="all"] CallExpression[callee.object.name="deadline"][callee.property.name="call"]',
          message:
            'Before the Promise.all: where it throws, nobody waits for what has begun already, and its rejection ends the worker.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/property.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'fast-check',
          message: 'From test/property.ts: it has the seed, so that a run of the tests tries the same cases each time.',
        },
      ],
    },
  },
);
