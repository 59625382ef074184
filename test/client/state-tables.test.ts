import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Attempt,
  attemptInputs,
  attemptStates,
  attemptTable,
  keyOf,
  step,
} from '../../packages/client/src/attempt.ts';
import { connectionInputs, connectionStates, connectionTable } from '../../packages/client/src/connection.ts';
import { projectRoot } from '../support/server-process.ts';

const page = readFileSync(join(projectRoot, 'packages/client/README.md'), 'utf8');

/** A table in Markdown: a row for each input, a column for each state. */
function tableOf(
  states: readonly string[],
  inputs: readonly string[],
  cells: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string {
  const row = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  return [
    row(['', ...states.map((state) => `\`${state}\``)]),
    row(['---', ...states.map(() => '---')]),
    ...inputs.map((input) => row([`\`${input}\``, ...states.map((state) => `${cells[state]?.[input]}`)])),
  ].join('\n');
}

test('the documented table of attempts is the one that the code follows', () => {
  expect(page).toContain(tableOf(attemptStates, attemptInputs, attemptTable));
});

test('the documented table of connections is the one that the code follows', () => {
  expect(page).toContain(tableOf(connectionStates, connectionInputs, connectionTable));
});

test('a key follows from the order, the input and the payment that is over, and from nothing else', () => {
  const intent = { orderId: 'ord_1', method: 'CARD', flow: null, returnUrl: null, openId: null, buyerIp: null };
  const others = [
    keyOf({ ...intent, orderId: 'ord_2' }, null),
    keyOf({ ...intent, method: 'ALIPAY' }, null),
    keyOf({ ...intent, flow: 'EMBEDDED' }, null),
    keyOf({ ...intent, returnUrl: 'https://shop.example/' }, null),
    keyOf({ ...intent, openId: 'https://shop.example/' }, null),
    keyOf({ ...intent, buyerIp: '203.0.113.7' }, null),
    keyOf(intent, 'pay_1'),
    keyOf(intent, 'pay_2'),
  ];
  expect(new Set([keyOf(intent, null), ...others]).size).toBe(others.length + 1);
  expect(keyOf({ ...intent }, null)).toBe(keyOf(intent, null));
  expect(keyOf({ ...intent, orderId: 'x'.repeat(300) }, null).length).toBeLessThanOrEqual(255);
});

test('an attempt that is over is what the next one comes after, and an unanswered one is not', () => {
  const none: Attempt = { after: null, current: null };
  const sent = step(none, 'call', { key: 'k1', paymentId: null });
  const open = step(sent, 'answeredOpen', { key: 'k1', paymentId: 'pay_1' });
  expect(step(sent, 'lost', { key: 'k1', paymentId: null })).toEqual(sent);
  expect(step(open, 'heardOver', { key: 'k1', paymentId: 'pay_1' })).toEqual({ after: 'pay_1', current: null });
  expect(step(sent, 'callOther', { key: 'k2', paymentId: null })).toEqual({
    after: null,
    current: { key: 'k2', paymentId: null },
  });
  expect(step(open, 'callOther', { key: 'k2', paymentId: null })).toEqual({
    after: 'pay_1',
    current: { key: 'k2', paymentId: null },
  });
});
