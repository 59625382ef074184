import { expect, test } from 'vitest';
import { readOptions, UsageError } from '../../src/administration/options.ts';

test.each<[args: string, options: object | null]>([
  ['', null],
  ['help', null],
  ['key add --help', null],
  [
    'merchant add --name Shop --return-origin https://a.example --return-origin https://b.example',
    { command: 'merchant add', name: 'Shop', returnOrigins: ['https://a.example', 'https://b.example'] },
  ],
  [
    'merchant update mch_1 --name Shop',
    { command: 'merchant update', merchantId: 'mch_1', name: 'Shop', returnOrigins: null },
  ],
  ['merchant list', { command: 'merchant list' }],
  ['key add --name server', { command: 'key add', merchantId: null, name: 'server' }],
  ['key list --merchant mch_1', { command: 'key list', merchantId: 'mch_1' }],
  ['key revoke key_1', { command: 'key revoke', keyId: 'key_1' }],
])('"%s" is understood', (args, options) => {
  expect(readOptions(args === '' ? [] : args.split(' '))).toEqual(options);
});

test.each<[args: string, complaint: string]>([
  ['merchant', 'merchant needs add, update or list.'],
  ['key', 'key needs add, list or revoke.'],
  ['merchant remove', 'There is no command "merchant remove".'],
  ['merchant add --name Shop', 'merchant add needs at least one --return-origin.'],
  ['merchant add --return-origin https://a.example', 'merchant add needs --name.'],
  ['merchant update mch_1', 'merchant update needs --name or --return-origin.'],
  ['merchant update --name Shop', 'merchant update needs the id of a merchant, mch_….'],
  ['key add', 'key add needs --name.'],
  ['key add --name a --name b', '--name is given more than once.'],
  ['key add --colour red', "Unknown option '--colour'"],
  ['key revoke', 'key revoke needs the id of a key, key_….'],
  ['key list --name x', 'key list does not take --name.'],
  ['key list all', 'key list does not take "all".'],
])('"%s" is refused with a sentence', (args, complaint) => {
  const read = () => readOptions(args.split(' '));
  expect(read).toThrow(UsageError);
  expect(read).toThrow(complaint);
});
