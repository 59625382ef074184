import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import { passAll } from '../../src/domain/failpoint.ts';

import type { BillLine } from '../../src/domain/reconciliation.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import { openProvider } from '../../src/providers/open-provider.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { stripeSetup } from '../../src/providers/stripe/setup.ts';
import type { Doubt, Finding } from '../../src/reconciliation/finding.ts';
import { reconcile } from '../../src/reconciliation/reconcile.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import { chineseSetups } from './chinese-providers.ts';
import { advanceSandbox, type TestApp, testStripe } from './test-app.ts';

export type Outcome = {
  readonly matched: readonly BillLine[];
  readonly findings: readonly Finding[];
  readonly hasBill: boolean;
  readonly doubt: Doubt | null;
};
type ProviderName = 'STRIPE' | 'ALIPAY' | 'WECHATPAY';

/** The providers of the app, once more: the command is a process beside the server. */
export async function openProviderOf(app: TestApp, name: ProviderName): Promise<PaymentProvider> {
  const { secretKey, publishableKey, webhookSecret } = testStripe;
  const stripe = stripeSetup({ secretKey, publishableKey, webhookSecrets: [webhookSecret], apiBase: app.sandboxUrl });
  const setup = [stripe, ...chineseSetups(app.sandboxUrl)].find((candidate) => candidate.name === name);
  if (setup === undefined) throw new Error(`There is no ${name}.`);
  const webhookUrl = `${app.app.url}/webhooks/${name.toLowerCase()}`;
  return openProvider(setup, { now: () => app.clock.now(), webhookUrl }, app.app.log);
}

export function contextOf(app: TestApp, provider: PaymentProvider): CommandContext {
  const { database: db, clock } = app;
  return {
    db,
    clock,
    writer: createOrderWriter({ db, clock, failpoint: passAll }),
    lookups: createLookups(db),
    accounts: onlyAccounts(db, [provider]),
    notifier: { notify: () => {} },
    log: app.app.log,
    failpoint: passAll,
  };
}

export async function reconcileDay(
  app: TestApp,
  provider: PaymentProvider,
  date: string,
  { isDryRun = false, isToAskAboutAll = false } = {},
): Promise<Outcome> {
  const matched: BillLine[] = [];
  const findings: Finding[] = [];
  const { hasBill, doubt } = await reconcile(contextOf(app, provider), {
    ...{ provider, date, isDryRun, isToAskAboutAll, signal: new AbortController().signal },
    onMatched: (line) => matched.push(line),
    tell: (finding) => void findings.push(finding),
    onProgress: () => {},
  });
  return { matched, findings, hasBill, doubt };
}

/** The provider, with a bill of our own making: it lists what a test says. */
export function withBill(provider: PaymentProvider, lines: readonly BillLine[]): PaymentProvider {
  return { ...provider, readBill: async () => ({ lines: oneByOne(lines), linesExpected: lines.length }) };
}

async function* oneByOne(lines: readonly BillLine[]): AsyncGenerator<BillLine> {
  yield* lines;
}

const dayMs = 24 * 3_600_000;

/** Lets both clocks go on to 04:00 UTC, noon in Beijing: far from every midnight. Returns that day, the same by both calendars. */
export async function toNoon(app: TestApp): Promise<string> {
  const sinceMidnightMs = app.clock.now().getTime() % dayMs;
  await passBoth(app, (4 * 3_600_000 + dayMs - sinceMidnightMs) % dayMs);
  return app.clock.now().toISOString().slice(0, 10);
}

/** From noon on: the night after the day, in Beijing, when no bill of it is there yet. */
export function toNextNight(app: TestApp): Promise<void> {
  return passBoth(app, 14 * 3_600_000);
}

/** A day and a half later every provider has its bill. */
export function toNextAfternoon(app: TestApp): Promise<void> {
  return passBoth(app, 1.5 * dayMs);
}

/** Lets both clocks go on, the server's and the sandbox's. */
export async function passBoth(app: TestApp, ms: number): Promise<void> {
  app.clock.advance(ms);
  await advanceSandbox(app, ms);
}
