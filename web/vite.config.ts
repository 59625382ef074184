import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { clientDocuments, documentList } from './client-documents.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const pages = ['dashboard', 'checkout', 'shop'].filter((name) => existsSync(`${root}${name}/index.html`));

/** `scripts/build-pages.mjs` runs the build. `npx vite web` serves the sources instead, beside a server of the API at API_URL. */
export default defineConfig({
  root,
  cacheDir: '../node_modules/.vite/web',
  logLevel: 'warn',
  // The sources of the client library, so that the pages are built with it and need no build of it before.
  resolve: {
    alias: { '@paystream/client': fileURLToPath(new URL('../packages/client/src/main.ts', import.meta.url)) },
  },
  plugins: [clientDocuments(), documentList()],
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    // Browsers that know `light-dark()`, which the themes are made of.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    // A data: URL in a style would be one more exception of the content security policy.
    assetsInlineLimit: 0,
    // A test measures the first load.
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: pages.map((name) => `${root}${name}/index.html`),
      // "use client" has a meaning only where a server renders React.
      onLog: (level, log, report) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : report(level, log)),
    },
  },
  server: {
    proxy: {
      '/graphql': { target: process.env.API_URL ?? 'http://127.0.0.1:4000', ws: true },
      '/exports': { target: process.env.API_URL ?? 'http://127.0.0.1:4000' },
    },
  },
});
