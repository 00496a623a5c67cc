// Rules for the JavaScript of scripts/ and tests/: what eslint recommends, and a few that find slips.
import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['build/', 'dist/', 'target/', 'node_modules/', '.wrangler/', '.local/'] },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.node },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-constant-binary-expression': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-throw-literal': 'error',
      'no-unreachable-loop': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      'no-use-before-define': ['error', { functions: false, classes: false, variables: false }],
      'no-var': 'error',
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      'require-atomic-updates': 'off',
    },
  },
  // What runs in a browser, and what tests have it run there.
  {
    files: [
      'crates/console/assets/console.js',
      'crates/console/editor/*.js',
      'tests/e2e/console*.test.mjs',
      'tests/support/browser/browser.mjs',
    ],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
  },
  { ignores: ['crates/console/assets/*.min.js'] },
  // Workers and pages have the globals of a browser's worker.
  {
    files: ['src/**/*.js', 'tests/support/worker/probe.mjs', 'tests/bench/baselines.mjs'],
    languageOptions: { globals: globals.serviceworker },
  },
];
