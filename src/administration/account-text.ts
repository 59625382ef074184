import type { ChangedAccount } from '../commands/add-provider-account.ts';
import type { Rotation } from '../commands/rotate-master-key.ts';
import type { AccountTest } from '../commands/test-provider-account.ts';
import { webhookPathOf, webhookUrlOf } from '../providers/webhook-url.ts';
import type { StoredAccount } from '../store/provider-account-store.ts';
import { dayOf, minuteOf, table } from './text.ts';

export function textOfAccount(
  verb: 'Stored' | 'Updated',
  { account: stored, isCalledFromInternet }: ChangedAccount,
  publicUrl: string | null,
): string {
  const { id, merchantId, provider, account, keyId, allowsTest } = stored;
  const url = publicUrl === null ? null : webhookUrlOf(publicUrl, provider, id);
  const callbacks =
    url === null
      ? `the URL of your server with the path ${webhookPathOf(provider, id)} (set PUBLIC_URL to see it in full)`
      : url;
  const warning =
    isCalledFromInternet && (publicUrl === null || !publicUrl.startsWith('https:'))
      ? '\nThe provider posts callbacks from the internet: the servers need a PUBLIC_URL that is https and reachable from there.'
      : '';
  return `${verb} the ${provider} account ${account} as ${id}, of merchant ${merchantId}${allowsTest ? '. Test accounts are allowed' : ''}.
Its secrets are encrypted with the master key ${keyId}. Every running server uses it within a second.
Callbacks: enter this URL in the provider's console, unless the provider gets it with each payment: ${callbacks}${warning}

Next, test it: npm run paystream -- provider test ${id}`;
}

export function textOfTest({ account: { id, provider, account, disabledAt }, problem }: AccountTest): string {
  const named = `${id} (${provider}, ${account})`;
  if (problem !== null) {
    return `${named} does not work: ${problem}

Next, correct its variables: npm run paystream -- provider update ${id} --file FILE`;
  }
  const next =
    disabledAt === null
      ? 'Next, pay an order of the merchant, and check in the log that its callback is received.'
      : `It is disabled, so no payment starts there. To enable it: npm run paystream -- provider update ${id} --file FILE`;
  return `${named} works: the provider accepts the key and answered a query. The test created nothing.

${next}`;
}

export function textOfDisabled({ id, provider, account, disabledAt }: StoredAccount): string {
  return `Provider account ${id} (${provider}, ${account}) was disabled at ${disabledAt?.toISOString()}.
No payment starts there any more. Its payments continue: callbacks, queries, captures and refunds. Keep its key valid at the provider.
To enable it again: npm run paystream -- provider update ${id} --file FILE`;
}

export function tableOfAccounts(accounts: readonly StoredAccount[], ofEnvironment: readonly string[]): string {
  const note = ofEnvironment.map((description) => `\nThe environment also has ${description}, of the first merchant.`);
  if (accounts.length === 0) {
    return `There is no stored provider account. Store one: npm run paystream -- provider add stripe --file FILE${note.join('')}`;
  }
  return `${table(
    ['id', 'merchant', 'provider', 'account', 'created', 'state', 'master key'],
    accounts.map(({ id, merchantId, provider, account, createdAt, keyId, ...stored }) => [
      ...[id, merchantId, provider.toLowerCase(), account, dayOf(createdAt), stateOf(stored), keyId],
    ]),
  )}${note.join('')}`;
}

function stateOf({ disabledAt, allowsTest }: Pick<StoredAccount, 'disabledAt' | 'allowsTest'>): string {
  const state = disabledAt === null ? 'in use' : `disabled ${minuteOf(disabledAt)}`;
  return allowsTest ? `${state}, tests allowed` : state;
}

export function textOfRotation({ keyId, rotated, problems }: Rotation): string {
  const done = `Encrypted the secrets of ${rotated} ${rotated === 1 ? 'row' : 'rows'} with the master key ${keyId}.`;
  if (problems.length > 0) {
    return `${done} These could not be decrypted:
${problems.map((problem) => `  ${problem}`).join('\n')}

Keep MASTER_KEY_OLD, correct them, and run the command again.`;
  }
  return `${done} All secrets are encrypted with it now.

Next, remove MASTER_KEY_OLD from the environment of every server, and restart them one by one. Client tokens that were issued under the
old key end then: wait until their orders have expired, at most seven days. Afterwards the old key is needed for backups only.`;
}
