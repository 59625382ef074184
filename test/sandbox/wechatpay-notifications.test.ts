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

test('a payment is told once, signed and encrypted, at the place that it named', async () => {
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

test('a refund is told at its own place, by its own names', async () => {
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

test('closing and expiry are told to nobody', async () => {
  const { post, sandbox, received } = await openWechatpay();
  await post(paths.native, { ...order, time_expire: '2027-01-01T10:05:00+08:00' });
  await post(paths.native, { ...order, out_trade_no: 'pay_closed' });
  await post('/v3/pay/transactions/out-trade-no/pay_closed/close', { mchid: mchId });
  await sandbox.advance(8 * dayMs);
  expect(received).toEqual([]);
});

test('what nobody takes comes fifteen times more in 24 h 4 min, each signed and encrypted anew', async () => {
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
])('an answer of %i %s makes %i attempts within 20 s', async (status, body, attempts) => {
  const rig = await openWechatpay();
  rig.answerWith = { status, body };
  await paidOrder(rig);
  await rig.sandbox.advance(20 * secondMs);
  expect(rig.received.length).toBe(attempts);
});

test('a receiver that has not answered within five seconds has failed', async () => {
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

test('a probe is wrongly signed on purpose, and the real notification follows', async () => {
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

test('a forgery comes besides, and first', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'forge', match: { type: 'TRANSACTION.*' } });
  await paidOrder(rig);
  await rig.sandbox.advance(dayMs);
  expect(rig.received.map(({ verified }) => verified)).toEqual([false, true]);
  expect(rig.received[0]?.headers['wechatpay-signature']).not.toContain('SIGNTEST');
});

test('altered on its way, neither the signature nor the tag fits', async () => {
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

test('stale, it is rightly signed ten minutes ago', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'stale' });
  await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received[0]).toMatchObject({ verified: true });
  expect(rig.received[0]?.headers['wechatpay-timestamp']).toBe(String(startSeconds - 600));
});

test('with a wrong amount, everything else is right', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'wrong_amount' });
  const paid = await paidOrder(rig);
  await rig.sandbox.advance(0);
  const amount = { total: 1100, payer_total: 1100, currency: 'CNY', payer_currency: 'CNY' };
  expect(rig.received).toMatchObject([{ verified: true, plaintext: { ...paid, amount } }]);
});

test('told of another merchant, everything else is right', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/faults', { fault: 'another_account' });
  const paid = await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received).toMatchObject([{ verified: true, plaintext: { ...paid, mchid: '1999999999' } }]);
});

test('the console chooses which key signs notifications, from then on', async () => {
  const rig = await openWechatpay();
  await rig.control('/control/wechatpay/notification-key', { serial: certificateSerial });
  await paidOrder(rig);
  await rig.sandbox.advance(0);
  expect(rig.received[0]).toMatchObject({ verified: true, headers: { 'wechatpay-serial': certificateSerial } });
  const answer = await rig.get(paths.query);
  expect(answer.headers['wechatpay-serial']).toBe(publicKeySerial); // answers follow the request
  await expect(rig.control('/control/wechatpay/notification-key', { serial: 'none' })).rejects.toThrow('serial');
});

test('events are listed as they were told, in clear', async () => {
  const rig = await openWechatpay();
  await paidOrder(rig);
  const answer = await rig.sandbox.request({ method: 'GET', path: '/control/events' });
  expect(JSON.parse(typeof answer === 'string' ? answer : answer.body).events).toMatchObject([
    { event_type: 'TRANSACTION.SUCCESS', plaintext: { appid: appId, out_trade_no: orderNumber } },
  ]);
});
