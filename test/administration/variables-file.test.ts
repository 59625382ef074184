import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { readVariables, readVariablesFile } from '../../src/administration/variables-file.ts';

test('variables are read as from an .env file, with values of several lines and files', () => {
  const file = join(inject('testRun').dir, 'secret-key');
  writeFileSync(file, 'sk_test_1\n');
  const given = readVariables(`
    # the account of the shop
    export STRIPE_ACCOUNT=acct_1
    STRIPE_SECRET_KEY_FILE=${file}
    ALIPAY_PRIVATE_KEY="-----BEGIN PRIVATE KEY-----
MIIB
-----END PRIVATE KEY-----"
    WECHATPAY_PLATFORM_KEYS='{"PUB_KEY_ID_1": "-----BEGIN"}'
    STRIPE_API_BASE=
  `);
  expect(given).toEqual({
    values: {
      STRIPE_ACCOUNT: 'acct_1',
      STRIPE_SECRET_KEY: 'sk_test_1',
      ALIPAY_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----',
      WECHATPAY_PLATFORM_KEYS: '{"PUB_KEY_ID_1": "-----BEGIN"}',
    },
    names: ['ALIPAY_PRIVATE_KEY', 'STRIPE_ACCOUNT', 'STRIPE_SECRET_KEY', 'WECHATPAY_PLATFORM_KEYS'],
    violations: [],
  });
});

test('values that cannot be read are violations, without their text', () => {
  const { values, names, violations } = readVariables('STRIPE_SECRET_KEY_FILE=sk_test_1\nSTRIPE_ACCOUNT=a\u200bb');
  expect([values, names]).toEqual([{}, ['STRIPE_ACCOUNT', 'STRIPE_SECRET_KEY']]);
  expect(violations).toEqual([
    expect.stringMatching(/^STRIPE_ACCOUNT has an invisible character/),
    expect.stringMatching(
      /^STRIPE_SECRET_KEY_FILE names a file that cannot be read: its value does not look like a path/,
    ),
  ]);
});

test('a file that does not exist is refused with a sentence', () => {
  expect(() => readVariablesFile('/nowhere/account.env')).toThrow('The file with the variables cannot be read: ENOENT');
});
