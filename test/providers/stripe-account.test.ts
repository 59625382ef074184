import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Log } from '../../src/domain/log.ts';
import { findStripeAccount } from '../../src/providers/stripe/account.ts';
import type { StripeConfig } from '../../src/providers/stripe/config.ts';
import { openRig, publishableKey, secretKey, webhookSecret } from '../sandbox/rig.ts';

const config: Omit<StripeConfig, 'apiBase'> = { secretKey, publishableKey, webhookSecrets: [webhookSecret] };
const atOnce = async () => undefined;

function logInto(messages: string[]): Log {
  const note = (_fields: object, message: string) => {
    messages.push(message);
  };
  return { info: note, warn: note, error: note };
}
const silent = logInto([]);

/** Stripe, answering each request about the account by the next of these, and by the last from then on. */
async function openStripe(...answers: (readonly [status: number, body: object])[]) {
  let asked = 0;
  const answer = (response: ServerResponse) => {
    const [status, body] = answers[Math.min(asked, answers.length - 1)] ?? [500, {}];
    asked += 1;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { apiBase: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

const ours = [200, { object: 'account', id: 'acct_1Ours' }] as const;
const away = [500, { error: { type: 'api_error', message: 'Away.' } }] as const;
const forbidden = [403, { error: { type: 'invalid_request_error', message: 'No.' } }] as const;

test('an account is called by its id and the mode of the key, in a name that a webhook’s route takes', async () => {
  const { apiBase } = await openStripe(ours);
  expect(await findStripeAccount({ ...config, apiBase }, silent)).toBe('acct_1Ours.test');
  expect(await findStripeAccount({ ...config, apiBase, secretKey: 'rk_live_1' }, silent)).toBe('acct_1Ours.live');
  const { url } = await openRig();
  const named = await findStripeAccount({ ...config, apiBase: url }, silent);
  expect(named).toMatch(/^acct_\w{16}\.test$/);
  expect(named).toMatch(/^[\w.@-]{1,64}$/);
  expect(await findStripeAccount({ ...config, apiBase: (await openRig()).url }, silent)).toBe(named);
});

test('Stripe is asked again while it does not answer', async () => {
  const { apiBase, asked } = await openStripe(away, away, ours);
  expect(await findStripeAccount({ ...config, apiBase }, silent, atOnce)).toBe('acct_1Ours.test');
  expect(asked()).toBe(3);
});

test.each([
  ['is away', away, 4],
  ['does not let the key read it', forbidden, 1],
])('where Stripe %s, the start fails in a sentence that says to set STRIPE_ACCOUNT', async (_what, answer, times) => {
  const { apiBase, asked } = await openStripe(answer);
  const found = findStripeAccount({ ...config, apiBase }, silent, atOnce);
  await expect(found).rejects.toThrow(/^Stripe did not say which account .+ set STRIPE_ACCOUNT .+$/);
  await expect(found).rejects.not.toThrow(secretKey);
  expect(asked()).toBe(times);
});

test.each([
  ['is away', away],
  ['does not let the key read it', forbidden],
])('where Stripe %s, STRIPE_ACCOUNT is believed, and the log says so', async (_what, answer) => {
  const { apiBase } = await openStripe(answer);
  const messages: string[] = [];
  const found = await findStripeAccount({ ...config, apiBase, accountId: 'acct_1Ours' }, logInto(messages), atOnce);
  expect(found).toBe('acct_1Ours.test');
  expect(messages).toEqual([expect.stringContaining('STRIPE_ACCOUNT is believed')]);
});

test('a key of another account than STRIPE_ACCOUNT refuses the start, and names both', async () => {
  const { apiBase } = await openStripe(ours);
  const found = findStripeAccount({ ...config, apiBase, accountId: 'acct_1Other' }, silent);
  await expect(found).rejects.toThrow('STRIPE_SECRET_KEY is a key of acct_1Ours, and STRIPE_ACCOUNT is acct_1Other');
});
