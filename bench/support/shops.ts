import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { newId } from '../../src/domain/ids.ts';
import type { Shop } from '../processes/shop.ts';
import { until } from './clock.ts';
import { logEndOf } from './graphql.ts';
import { addMerchants, isServing, type Product } from './product.ts';
import { stripeAccountOf } from './stand-in-stripe.ts';

const accountsTimeoutMs = 60_000;

/** A new master key, for the environment of the product and for `openShops`. */
export function newMasterKey(): string {
  return randomBytes(32).toString('base64');
}

/** Adds merchants with an account each at the stand-in, and waits until the product uses their accounts. */
export async function openShops(
  product: Product,
  {
    dir,
    count,
    stripeUrl,
    masterKey,
  }: { readonly dir: string; readonly count: number; readonly stripeUrl: string; readonly masterKey: string },
): Promise<readonly Shop[]> {
  const { pool } = product.database;
  const merchants = await addMerchants(pool, count);
  const { seal, sealedAccount, readMasterKey, Secret } = await loadSealing(dir);
  const key = readMasterKey(masterKey);
  const accounts = merchants.map(({ id: merchantId }, n) => {
    const account = stripeAccountOf(`shop${n}`);
    const row = {
      ...{ id: newId('providerAccount'), merchantId, provider: 'STRIPE', account: `${account.accountId}.test` },
    };
    const secrets = new Map([
      ['STRIPE_SECRET_KEY', new Secret(account.secretKey)],
      ['STRIPE_WEBHOOK_SECRETS', new Secret(account.webhookSecret)],
    ]);
    const settings = {
      STRIPE_PUBLISHABLE_KEY: account.publishableKey,
      STRIPE_ACCOUNT: account.accountId,
      STRIPE_API_BASE: stripeUrl,
    };
    const sealed = seal(sealedAccount(row), secrets, key);
    return { ...row, settings, sealed, webhookSecret: account.webhookSecret };
  });
  await pool.query(
    `insert into provider_accounts (id, merchant_id, provider, account, settings, secrets, key_id, allows_test, revision, created_at, updated_at)
     select id, merchant_id, 'STRIPE', account, settings, secrets, $6, true, n, now(), now()
     from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::bytea[]) with ordinality a(id, merchant_id, account, settings, secrets, n)`,
    [
      accounts.map(({ id }) => id),
      accounts.map(({ merchantId }) => merchantId),
      accounts.map(({ account }) => account),
      accounts.map(({ settings }) => JSON.stringify(settings)),
      accounts.map(({ sealed }) => sealed.secrets),
      key.id,
    ],
  );
  const paths = accounts.map(({ id }) => `/webhooks/stripe/${id}`);
  await awaitWebhooks(product.url, paths.at(-1) ?? '');
  const shops: Shop[] = [];
  for (const [at, { token }] of merchants.entries()) {
    const after = await logEndOf(product.url, token);
    shops.push({ token, after, webhookPath: paths[at] ?? '', webhookSecret: accounts[at]?.webhookSecret ?? '' });
  }
  return shops;
}

/** The product opens the accounts in the order of their revisions. */
async function awaitWebhooks(url: string, path: string): Promise<void> {
  const isOpen = await until(
    async () => (await fetch(`${url}${path}`, { method: 'OPTIONS' })).status === 204,
    accountsTimeoutMs,
    100,
  );
  if (!isOpen)
    throw new Error(`The product did not open its accounts. It is ${(await isServing(url)) ? '' : 'not '}ready.`);
}

/** The checkout itself encrypts, because an older one may do it in another way. */
async function loadSealing(dir: string) {
  const load = (file: string) => import(pathToFileURL(join(dir, 'src', file)).href);
  const { seal, sealedAccount } = (await load('accounts/sealing.ts')) as typeof import('../../src/accounts/sealing.ts');
  const { readMasterKey } = (await load('accounts/master-key.ts')) as typeof import('../../src/accounts/master-key.ts');
  const { Secret } = (await load('domain/secret.ts')) as typeof import('../../src/domain/secret.ts');
  return { seal, sealedAccount, readMasterKey, Secret };
}
