import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite would resolve graphql to its ESM build while packages get the other one: two copies that refuse each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Files share what they import, which is most of the time they take; each has a database to itself and a server of its own all the same.
    isolate: false,
    // A larger young generation: a tenth less CPU goes to collecting garbage.
    execArgv: ['--max-semi-space-size=32'],
    // Each worker holds a PGlite of some 300 MB that keeps its core busy.
    maxWorkers: Math.min(4, availableParallelism()),
    // Only what hangs is to be ended: machines differ by a factor of four, and other work may have the cores.
    testTimeout: 480_000,
    hookTimeout: 480_000,
    expect: { poll: { timeout: 400_000 } },
  },
});
