import { randomBytes } from 'node:crypto';
import type { GraphiQLOptions } from 'graphql-yoga';

/**
 * The idempotency keys of the tabs that GraphiQL opens with, as they are written there or as an earlier page made them. A key that
 * somebody has typed in is another one, and stays.
 */
const walkKeys = /\b(my-first-(?:order|payment|code|refund))(?:-[0-9a-f]{8})?\b(?!-)/g;

/** Gives the keys of the walk the ending `-<run>`: the same throughout one page, and different in the next. */
export function withFreshKeys(text: string, run: string): string {
  return text.replace(walkKeys, `$1-${run}`);
}

/**
 * GraphiQL, with idempotency keys that no earlier page has used: an order that was created under a fixed key has expired when somebody
 * comes back the next day.
 */
export async function renderGraphiqlPage(options: GraphiQLOptions): Promise<string> {
  // Nine megabytes of page, loaded when somebody first looks at it and not at every start.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const run = randomBytes(4).toString('hex');
  const page = renderGraphiQL({
    ...options,
    defaultTabs: options.defaultTabs?.map((tab) => ({ ...tab, query: tab.query && withFreshKeys(tab.query, run) })),
  });
  const additions = `<style>${style}</style><script>${refreshStoredTabs(run)}</script>`;
  return page.replace('</head>', () => `${additions}</head>`);
}

/**
 * GraphiQL animates its tabs into place, gets stuck on the way, and shows them where they belong until one has the focus. Pressing a tab
 * gives it the focus: it jumps away from under the pointer, and the click is lost.
 */
const style = '.graphiql-tab{transform:none!important}';

/**
 * Runs before GraphiQL does. A browser keeps the tabs, and the address keeps the operation of the current one, both with the keys of an
 * earlier page. An address without an operation opens the tab that was open last: GraphiQL itself would add another one.
 */
function refreshStoredTabs(run: string): string {
  return `(() => {
  const fresh = (text) => text.replace(${walkKeys}, '$1-${run}');
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
    // Without storage, or with what another version has stored, GraphiQL starts with the tabs that it is given.
  }
  if (!query) return;
  address.searchParams.set('query', fresh(query));
  history.replaceState(null, '', address);
})();`;
}
