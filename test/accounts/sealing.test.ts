import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readMasterKey } from '../../src/accounts/master-key.ts';
import { SealBrokenError, type SealedRow, seal, sealedAccount, unseal } from '../../src/accounts/sealing.ts';
import { Secret } from '../../src/domain/secret.ts';

const bytes = randomBytes(32);
const first = readMasterKey(bytes.toString('base64'));
const second = readMasterKey(randomBytes(32).toString('base64'));
const only = { current: first, old: null };
const account = { id: 'pac_1', merchantId: 'mch_1', provider: 'STRIPE', account: 'acct_1.test' };
const row: SealedRow = sealedAccount(account);
const secrets = new Map([['STRIPE_SECRET_KEY', new Secret('sk_test_ünïcode')]]);
const textOf = (opened: ReadonlyMap<string, Secret>) => [...opened].map(([name, secret]) => [name, secret.reveal()]);

describe('a master key', () => {
  test('is the same in base64, without padding, and in hexadecimal digits', () => {
    const texts = [bytes.toString('base64'), bytes.toString('base64').replace('=', ''), bytes.toString('hex')];
    expect(texts.map((text) => readMasterKey(text).id)).toEqual([first.id, first.id, first.id]);
    expect(first.id).toMatch(/^[\da-f]{16}$/);
    expect(second.id).not.toBe(first.id);
  });

  test.each<[what: string, text: string]>([
    ['is too short', randomBytes(16).toString('base64')],
    ['is too long', randomBytes(33).toString('hex')],
    ['is a password', 'correct horse battery staple'],
    ['has no randomness', Buffer.alloc(32).toString('base64')],
  ])('that %s is refused, and the error shows nothing of it', (_what, text) => {
    expect(() => readMasterKey(text)).toThrow(/^(must be 32 random bytes|is not random)/);
    expect(() => readMasterKey(text)).not.toThrow(text);
  });
});

describe('sealed secrets', () => {
  test('open with their key, and are different each time', () => {
    const [one, other] = [seal(row, secrets, first), seal(row, secrets, first)];
    expect(textOf(unseal(row, one, only))).toEqual([['STRIPE_SECRET_KEY', 'sk_test_ünïcode']]);
    expect(one.secrets.equals(other.secrets)).toBe(false);
    expect(one.secrets.includes('sk_test')).toBe(false);
  });

  test('open with either key during a rotation, and after it with the new one alone', () => {
    const sealed = seal(row, secrets, first);
    const both = { current: second, old: first };
    const again = seal(row, unseal(row, sealed, both), both.current);
    expect(again.keyId).toBe(second.id);
    expect(textOf(unseal(row, again, { current: second, old: null }))).toEqual(textOf(secrets));
    expect(() => unseal(row, sealed, { current: second, old: null })).toThrow(
      `encrypted with the master key ${first.id}, and MASTER_KEY is ${second.id}`,
    );
  });

  test('do not open when any byte was changed or cut off', () => {
    const sealed = seal(row, secrets, first);
    for (let at = 0; at < sealed.secrets.length; at += 1) {
      const changed = Buffer.from(sealed.secrets);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => unseal(row, { ...sealed, secrets: changed }, only)).toThrow(SealBrokenError);
    }
    for (const length of [0, 11, 12, 27, 28, sealed.secrets.length - 1]) {
      expect(() => unseal(row, { ...sealed, secrets: sealed.secrets.subarray(0, length) }, only)).toThrow(
        SealBrokenError,
      );
    }
  });

  test('do not open under the id of another key', () => {
    const sealed = seal(row, secrets, first);
    expect(() => unseal(row, { ...sealed, keyId: second.id }, { current: first, old: second })).toThrow(
      SealBrokenError,
    );
  });

  test.each<[other: Partial<typeof account>]>([
    [{ id: 'pac_2' }],
    [{ merchantId: 'mch_2' }],
    [{ provider: 'ALIPAY' }],
    [{ account: 'acct_2.test' }],
  ])('do not open in a row with %j', (other) => {
    expect(() => unseal(sealedAccount({ ...account, ...other }), seal(row, secrets, first), only)).toThrow(
      'do not belong to this row',
    );
  });
});

test('a secret is shown nowhere', () => {
  const secret = new Secret('sk_live_1');
  const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }), inspect(first), JSON.stringify(first)];
  for (const text of shown) expect(text).not.toMatch(/sk_live_1/);
  expect(shown.slice(0, 3)).toEqual(['[secret]', '{"secret":"[secret]"}', '{ secret: [secret] }']);
  expect(inspect(first)).not.toContain(bytes.toString('hex'));
});
