// Rules for the JavaScript of scripts/ and tests/: what eslint recommends, and a few that find slips.
import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['build/', 'target/', 'node_modules/', '.wrangler/', '.local/'] },
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
  // Workers and pages have the globals of a browser's worker.
  { files: ['tests/e2e/support/probe.mjs', 'tests/bench/baselines.mjs'], languageOptions: { globals: globals.serviceworker } },
];
