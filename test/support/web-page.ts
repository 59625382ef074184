import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './browser.ts';

/** A page of the product in a fresh profile, and what it complained about. */
export type WebPage = {
  readonly page: Page;
  /** Errors and warnings of the console, and errors that nothing caught. */
  readonly complaints: string[];
  /** The violations of WCAG A and AA that axe finds now. */
  findBarriers(): Promise<string[]>;
};

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long a page may take, in milliseconds. Only what hangs is to be ended. */
const hangMs = 240_000;

/** @throws {Error} when there is no Chromium here, see `chromiumPath`. */
export function openWebBrowser(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('No Chromium is installed.');
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'], timeout: hangMs });
}

/**
 * Opens a page in a profile of its own. The answers that a test provokes on purpose, such as a refused token, are named by `expected`: the
 * browser writes each failed request to the console.
 */
export async function openWebPage(
  browser: Browser,
  { expected = [], ...options }: BrowserContextOptions & { readonly expected?: readonly RegExp[] } = {},
): Promise<WebPage> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1200, height: 800 }, ...options });
  context.setDefaultTimeout(hangMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', ({ message }) => complain(message));
  return {
    page,
    complaints,
    findBarriers: () =>
      page.evaluate(`(async () => {
        if (!window.axe) {
          const module = { exports: {} };
          (function (module, exports) { ${axe} })(module, module.exports);
          window.axe ??= module.exports;
        }
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const { violations, passes } = await window.axe.run(document, { runOnly: tags });
        if (passes.length === 0) return ['axe found nothing to look at'];
        return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ': ' + target + ': ' + failureSummary));
      })()`),
  };
}
