import { randomBytes } from 'node:crypto';
import type { GraphiQLOptions } from 'graphql-yoga';

/** The idempotency keys of the default tabs, with or without the suffix of an earlier page. Keys that the user typed do not match. */
const tabKeys = /\b(my-first-(?:order|payment|code|refund))(?:-[0-9a-f]{8})?\b(?!-)/g;

/** Gives the keys of the default tabs the suffix `-<run>`, which is the same within one page load and differs between page loads. */
export function withFreshKeys(text: string, run: string): string {
  return text.replace(tabKeys, `$1-${run}`);
}

/**
 * Renders GraphiQL with new idempotency keys in its default tabs. With fixed keys, a user who comes back the next day would get the expired
 * order of the day before.
 */
export async function renderGraphiqlPage(options: GraphiQLOptions): Promise<string> {
  // The module holds nine megabytes, so it is loaded on the first request and not at startup.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const run = randomBytes(4).toString('hex');
  const page = renderGraphiQL({
    ...options,
    defaultTabs: options.defaultTabs?.map((tab) => ({ ...tab, query: tab.query && withFreshKeys(tab.query, run) })),
  });
  const nonce = randomBytes(16).toString('base64url');
  const policy = `<meta http-equiv="content-security-policy" content="${policyOf(nonce)}">`;
  const additions = `<style>${style}</style><script nonce="${nonce}">${refreshStoredTabs(run)}</script>`;
  return page
    .replace('<script>', `<script nonce="${nonce}">`) // the page has one, and texts in it that look like another
    .replace('<head>', `<head>${policy}`)
    .replace('</head>', () => `${additions}</head>`);
}

/**
 * The page runs its own scripts, and loads and sends nothing elsewhere. The editor starts its workers from texts in the page, and makes its
 * styles while it runs.
 */
function policyOf(nonce: string): string {
  return [
    ...["default-src 'none'", `script-src 'nonce-${nonce}'`, 'worker-src blob:', "style-src 'unsafe-inline'"],
    ...['img-src data:', 'font-src data:', "connect-src 'self'"],
  ].join('; ');
}

/** Disables the tab animation of GraphiQL: the first press on a tab moved the tab away from the pointer, so the click was lost. */
const style = '.graphiql-tab{transform:none!important}';

/**
 * Returns a script that runs before GraphiQL and renews the keys that the browser kept: in the stored tabs, and in the operation that the
 * address holds. For an address without an operation it reopens the last tab; GraphiQL itself would add a new one.
 */
function refreshStoredTabs(run: string): string {
  return `(() => {
  const fresh = (text) => text.replace(${tabKeys}, '$1-${run}');
  const address = new URL(location.href);
  let query = address.searchParams.get('query');
  try {
    for (const name of ['graphiql:tabState', 'graphiql:query']) {
      const stored = localStorage.getItem(name);
      if (stored !== null) localStorage.setItem(name, fresh(stored));
    }
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{"tabs":[]}');
    query ||= tabs[activeTabIndex]?.query;
  } catch {
    // No storage, or the format of another version: GraphiQL starts with its default tabs.
  }
  if (!query) return;
  address.searchParams.set('query', fresh(query));
  history.replaceState(null, '', address);
})();`;
}
