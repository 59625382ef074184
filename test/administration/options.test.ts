import { expect, test } from 'vitest';
import { readOptions, UsageError, usage } from '../../src/administration/options.ts';

test.each<[args: string, options: object | null]>([
  ['', null],
  ['help', null],
  ['key add --help', null],
  [
    'merchant add --name Shop --return-origin https://a.example --return-origin https://b.example',
    {
      command: 'merchant add',
      name: 'Shop',
      returnOrigins: ['https://a.example', 'https://b.example'],
      webOrigins: [],
      brandColor: null,
    },
  ],
  [
    'merchant update mch_1 --brand-color #0a7d4b',
    {
      ...{ command: 'merchant update', merchantId: 'mch_1', name: null, returnOrigins: null },
      ...{ webOrigins: null, brandColor: '#0a7d4b' },
    },
  ],
  [
    'merchant update mch_1 --web-origin https://a.example',
    {
      ...{ command: 'merchant update', merchantId: 'mch_1', name: null, returnOrigins: null },
      webOrigins: ['https://a.example'],
      brandColor: null,
    },
  ],
  [
    'merchant update mch_1 --web-origin none',
    {
      ...{ command: 'merchant update', merchantId: 'mch_1', name: null, returnOrigins: null },
      ...{ webOrigins: [], brandColor: null },
    },
  ],
  [
    'merchant update mch_1 --name Shop',
    {
      ...{ command: 'merchant update', merchantId: 'mch_1', name: 'Shop', returnOrigins: null },
      ...{ webOrigins: null, brandColor: null },
    },
  ],
  ['merchant list', { command: 'merchant list' }],
  ['key add --name server', { command: 'key add', merchantId: null, name: 'server' }],
  ['key list --merchant mch_1', { command: 'key list', merchantId: 'mch_1' }],
  ['key revoke key_1', { command: 'key revoke', keyId: 'key_1' }],
  [
    'provider add stripe --merchant mch_1 --file -',
    { command: 'provider add', provider: 'stripe', merchantId: 'mch_1', file: '-', allowsTest: false },
  ],
  [
    'provider update pac_1 --file a.env --allow-test',
    { command: 'provider update', accountId: 'pac_1', file: 'a.env', allowsTest: true },
  ],
  ['provider list', { command: 'provider list', merchantId: null }],
  ['provider test pac_1', { command: 'provider test', accountId: 'pac_1' }],
  ['provider disable pac_1', { command: 'provider disable', accountId: 'pac_1' }],
  ['master-key rotate', { command: 'master-key rotate' }],
])('"%s" is understood', (args, options) => {
  expect(readOptions(args === '' ? [] : args.split(' '))).toEqual(options);
});

test.each<[args: string, complaint: string]>([
  ['merchant', 'merchant needs add, update or list.'],
  ['key', 'key needs add, list or revoke.'],
  ['merchant remove', 'There is no command "merchant remove".'],
  ['merchant add --name Shop', 'merchant add needs at least one --return-origin.'],
  ['merchant add --return-origin https://a.example', 'merchant add needs --name.'],
  ['merchant update mch_1', 'merchant update needs --name, --return-origin, --web-origin or --brand-color.'],
  ['merchant update --name Shop', 'merchant update needs the id of a merchant, mch_….'],
  ['key add', 'key add needs --name.'],
  ['key add --name a --name b', '--name is given more than once.'],
  ['key add --colour red', "Unknown option '--colour'"],
  ['key revoke', 'key revoke needs the id of a key, key_….'],
  ['key list --name x', 'key list does not take --name.'],
  ['key list all', 'key list does not take "all".'],
  ['provider', 'provider needs add, update, list, test or disable.'],
  ['provider add stripe', 'provider add needs --file with the account’s variables.'],
  ['provider add --file a.env', 'provider add needs the name of a provider'],
  ['provider add stripe STRIPE_SECRET_KEY=sk_live_1 --file a.env', 'provider add does not take "STRIPE_SECRET_KEY=…".'],
  ['provider test', 'provider test needs the id of a provider account, pac_….'],
  ['provider test pac_1 --allow-test', 'provider test does not take --allow-test.'],
  ['master-key', 'master-key needs rotate.'],
  ['merchant update mch_1 --web-origin none --web-origin https://a.example', '--web-origin none excludes other values'],
  ['webhook update whe_1 --event all --event ORDER_CREATED', '--event all excludes other values of --event.'],
  ['webhook update whe_1', 'webhook update needs --url, --event, --ordered, --unordered or --description.'],
])('"%s" is refused with a sentence', (args, complaint) => {
  const read = () => readOptions(args.split(' '));
  expect(read).toThrow(UsageError);
  expect(read).toThrow(complaint);
});

test('the usage describes every option that a command takes', () => {
  const [commands = '', descriptions = ''] = usage.split(/\n\n(?= {2}--name)/);
  const taken = new Set([...commands.matchAll(/(--[a-z][a-z-]*)/g)].map(([option]) => option));
  expect(taken).toContain('--before');
  const described = [...descriptions.matchAll(/^ {2}(--[a-z-]+)(?:, (--[a-z-]+))?/gm)].flat();
  expect([...taken].filter((option) => !described.includes(option))).toEqual([]);
});
