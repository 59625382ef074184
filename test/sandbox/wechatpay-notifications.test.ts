import { expect, test, vi } from 'vitest';
import {
  appId,
  certificateSerial,
  dayMs,
  decrypt,
  hourMs,
  mchId,
  minuteMs,
  notifyUrl,
  openWechatpay,
  order,
  orderNumber,
  paidOrder,
  paths,
  publicKeySerial,
  refundOf,
  secondMs,
  startSeconds,
  startsAt,
} from './wechatpay-rig.ts';

test('a payment is notified once, signed and encrypted, at its notify_url', async () => {
  const rig = await openWechatpay();
  const paid = await paidOrder(rig, { attach: 'a note' });
  await rig.sandbox.advance(dayMs);
  expect(rig.received.length).toBe(1);
  const [one] = rig.received;
  expect(one).toMatchObject({ url: notifyUrl, verified: true, plaintext: { ...paid, attach: 'a note' } });
  expect(one?.headers).toMatchObject({
    'content-type': 'application/json',
    'wechatpay-serial': publicKeySerial,
    'wechatpay-timestamp': String(startSeconds),
    'wechatpay-nonce': expect.stringMatching(/^\w{32}$/),
  });
  expect(one?.envelope).toEqual({
    id: expect.stringMatching(/^EV-\w{24}$/),
    create_time: '2027-01-01T10:00:00+08:00',
    resource_type: 'encrypt-resource',
    event_type: 'TRANSACTION.SUCCESS',
    summary: '支付成功',
    resource: {
      original_type: 'transaction',
      algorithm: 'AEAD_AES_256_GCM',
      associated_data: 'transaction',
      nonce: expect.stringMatching(/^\w{12}$/),
      ciphertext: expect.any(String),
    },
  });
  expect(() => decrypt({ ...one?.envelope.resource, associated_data: '' })).toThrow();
});

test('a refund is notified at its own notify_url with its own field names', async () => {
  const rig = await openWechatpay();
  const { transaction_id } = await paidOrder(rig);
  const own = 'https://shop.example/refunds';
  const { json } = await rig.post(paths.refunds, refundOf('rfd_1', 400, { notify_url: own }));
  await rig.post(paths.refunds, refundOf('rfd_2', 100));
  await rig.sandbox.advance(3 * secondMs);
  const refunds = rig.received.filter(({ envelope }) => envelope.event_type === 'REFUND.SUCCESS');
  expect(new Map(refunds.map(({ plaintext, url }) => [plaintext.out_refund_no, url]))).toEqual(
    new Map([
      ['rfd_1', own],
      ['rfd_2', notifyUrl],
    ]),
  );
  const first = refunds.find(({ url }) => url === own);
  expect(first).toMatchObject({ verified: true, envelope: { resource: { associated_data: 'refund' } } });
  expect(first?.plaintext).toEqual({
    amount: { payer_refund: 400, payer_total: 1000, refund: 400, total: 1000 },
    mchid: mchId,
    out_refund_no: 'rfd_1',
    out_trade_no: orderNumber,
    refund_id: json.refund_id,
    refund_status: 'SUCCESS',
    success_time: expect.stringMatching(/^2027-01-01T10:00:0\d\+08:00$/),
    transaction_id,
    user_received_account: '支付用户零钱',
  });
});

test('closing and expiry are not notified', async () => {
  const { post, sandbox, received } = await openWechatpay();
  await post(paths.native, { ...order, time_expire: '2027-01-01T10:05:00+08:00' });
  await post(paths.native, { ...order, out_trade_no: 'pay_closed' });
  await post('/v3/pay/transactions/out-trade-no/pay_closed/close', { mchid: mchId });
  await sandbox.advance(8 * dayMs);
  expect(received).toEqual([]);
});

test('an unacknowledged notification is retried fifteen times in 24 h 4 min, each newly signed and encrypted', async () => {
  const rig = await openWechatpay();
  rig.answerWith = { status: 500, body: '{"code":"FAIL","message":"失败"}' };
  await paidOrder(rig);
  await rig.sandbox.advance(3 * dayMs);
  const times = rig.received.map(({ atMs }) => atMs - startsAt.getTime());
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  expect(gaps).toEqual([
    ...[15 * secondMs, 15 * secondMs, 30 * secondMs],
    ...[3 * minuteMs, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs, 30 * minuteMs, 30 * minuteMs, 60 * minuteMs],
    ...[3 * hourMs, 3 * hourMs, 3 * hourMs, 6 * hourMs, 6 * hourMs],
  ]);
  expect(times.at(-1)).toBe(24 * hourMs + 4 * minuteMs);
  for (const { verified, atMs, headers } of rig.received) {
    expect(verified).toBe(true);
    expect(headers['wechatpay-timestamp']).toBe(String(Math.floor(atMs / 1000)));
  }
  expect(new Set(rig.received.map(({ envelope }) => envelope.id)).size).toBe(1);
  expect(new Set(rig.received.map(({ envelope }) => envelope.resource.nonce)).size).toBe(16);
});

test.each<[status: number, body: string, attempts: number]>([
  [200, '', 1],
  [204, '', 1],
  [200, '{"code":"FAIL","message":"失败"}', 1], // the status decides
  [201, '', 2],
  [202, '', 2],
  [301, '', 2],
  [400, '', 2],
  [500, '{"code":"SUCCESS"}', 2],
])('a response of %i %s causes %i attempts within 20 s', async (status, body, attempts) => {
  const rig = await openWechatpay();
  rig.answerWith = { status, body };
  await paidOrder(rig);
  await rig.sandbox.advance(20 * secondMs);
  expect(rig.received.length).toBe(attempts);
});

test('an attempt without a response within five seconds fails', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const rig = await openWechatpay({ post: () => new Promise(() => undefined) });
    await paidOrder(rig);
    const advanced = rig.sandbox.advance(0);
    await vi.advanceTimersByTimeAsync(5000);
    await advanced;
    const answer = await rig.sandbox.request({ method: 'GET', path: '/control/deliveries' });
    const { deliveries } = JSON.parse(typeof answer === 'string' ? answer : answer.body);
    expect(deliveries).toMatchObject([
      { provider: 'wechatpay', state: 'pending', attempts: [{ status: null, error: 'no response within 5000 ms' }] },
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test('a probe has an invalid signature, and the genuine notification follows', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'probe', target: 'callback', match: { contains: orderNumber } });
  rig.answerWith = { status: 401, body: '' };
  await paidOrder(rig);
  await rig.sandbox.advance(0);
  rig.answerWith = { status: 204, body: '' };
  await rig.sandbox.advance(dayMs);
  expect(rig.received.map(({ verified }) => verified)).toEqual([false, true]);
  expect(rig.received[0]?.headers['wechatpay-signature']).toMatch(/^WECHATPAY\/SIGNTEST\/./);
});

test('a forgery precedes the genuine notification', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'forge', match: { type: 'TRANSACTION.*' } });
  await paidOrder(rig);
  await rig.sandbox.advance(dayMs);
  expect(rig.received.map(({ verified }) => verified)).toEqual([false, true]);
  expect(rig.received[0]?.headers['wechatpay-signature']).not.toContain('SIGNTEST');
});

test('neither the signature nor the tag of an altered notification verifies', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'alter' });
  rig.answerWith = { status: 401, body: '' };
  await paidOrder(rig);
  await rig.sandbox.advance(15 * secondMs);
  expect(rig.received).toMatchObject([
    { verified: false, plaintext: null },
    { verified: true, plaintext: { out_trade_no: orderNumber } },
  ]);
});

test('a stale notification is validly signed with a timestamp of ten minutes ago', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'stale' });
  await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received[0]).toMatchObject({ verified: true });
  expect(rig.received[0]?.headers['wechatpay-timestamp']).toBe(String(startSeconds - 600));
});

test('a notification with a wrong amount is otherwise valid', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'wrong_amount' });
  const paid = await paidOrder(rig);
  await rig.sandbox.advance(0);
  const amount = { total: 1100, payer_total: 1100, currency: 'CNY', payer_currency: 'CNY' };
  expect(rig.received).toMatchObject([{ verified: true, plaintext: { ...paid, amount } }]);
});

test('a notification of another merchant is otherwise valid', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'another_account' });
  const paid = await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received).toMatchObject([{ verified: true, plaintext: { ...paid, mchid: '1999999999' } }]);
});

test('the console chooses the key that signs later notifications', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/wechatpay/notification-key', { serial: certificateSerial });
  await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received[0]).toMatchObject({ verified: true, headers: { 'wechatpay-serial': certificateSerial } });
  const answer = await rig.get(paths.query);
  expect(answer.headers['wechatpay-serial']).toBe(publicKeySerial); // a response uses the key that the request names
  await expect(rig.control('/control/wechatpay/notification-key', { serial: 'none' })).rejects.toThrow('serial');
});

test('events are listed in plaintext', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  const answer = await rig.sandbox.request({ method: 'GET', path: '/control/events' });
  expect(JSON.parse(typeof answer === 'string' ? answer : answer.body).events).toMatchObject([
    { event_type: 'TRANSACTION.SUCCESS', plaintext: { appid: appId, out_trade_no: orderNumber } },
  ]);
});
