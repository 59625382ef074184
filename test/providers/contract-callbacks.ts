import { describe, expect, test } from 'vitest';
import type { PaymentProvider, WebhookDelivery } from '../../src/providers/provider.ts';
import type { ProviderContract, ProviderRig, Started } from './contract-rig.ts';
import { type Delivered, verdictOf } from './contract-sandbox.ts';
import { start } from './contract-steps.ts';
import { genuineOf } from './genuine-callbacks.ts';

const day = 24 * 3_600_000;

/** W: callbacks. All of them arrive through the real route. */
export function promiseCallbacks(contract: ProviderContract): void {
  const { open, callbacks, callbackFlow, isDated, withoutSignature } = contract;
  const byTypes = callbacks.map((row) => [row.type, row.what, row] as const);

  async function bringPaid(rig: ProviderRig, rule?: object): Promise<Started> {
    const payment = await start(contract, rig, { flow: callbackFlow });
    await rig.advance(0); // post the callbacks that the start causes
    if (rule !== undefined) await rig.fault({ target: 'callback', ...rule });
    await rig.visit(payment);
    await rig.pay(payment);
    await rig.advance(0);
    return payment;
  }

  const accepted = ({ entrance }: ProviderRig) =>
    entrance.delivered.filter(({ verdict }) => typeof verdict === 'object');
  const refused = ({ entrance }: ProviderRig) =>
    entrance.delivered.filter(({ verdict }) => typeof verdict === 'string');
  const eventIdsOf = (deliveries: readonly Delivered[]) =>
    deliveries.flatMap(({ verdict }) => (typeof verdict === 'object' ? [verdict.eventId] : []));

  /** A genuine callback and the rig that received it. */
  async function genuine(): Promise<{ rig: ProviderRig; delivery: Delivered }> {
    const rig = await open();
    await bringPaid(rig);
    const delivery = accepted(rig).at(-1);
    if (delivery === undefined) throw new Error('The provider was expected to call back.');
    return { rig, delivery };
  }

  /** Posts a modified delivery to the real route. */
  async function post(
    rig: ProviderRig,
    { headers, body }: WebhookDelivery,
    changed: { method?: string; path?: string; headers?: object; body?: Buffer } = {},
  ) {
    const { webhookHeaders, name } = rig.provider;
    const kept = Object.entries(headers).filter(
      ([header]) => header === 'content-type' || webhookHeaders.includes(header),
    );
    const { method = 'POST', path = `/webhooks/${name.toLowerCase()}` } = changed;
    const sent = { ...Object.fromEntries(kept), ...changed.headers };
    const init = method === 'POST' ? { method, headers: sent, body: new Uint8Array(changed.body ?? body) } : { method };
    const response = await fetch(`${rig.entrance.url}${path}`, init);
    return { status: response.status, text: await response.text() };
  }

  describe('callbacks', () => {
    test.each(byTypes)('W01 %s tells %s', async (_type, _what, { type, facts, bring, says }) => {
      const rig = await open();
      const payment = await start(contract, rig, facts);
      await bring(payment);
      await rig.advance(0);
      const told = rig.entrance.delivered.filter(
        ({ verdict }) => typeof verdict === 'object' && verdict.eventType === type,
      );
      expect(told.length).toBeGreaterThan(0);
      expect(refused(rig)).toEqual([]);
      const last = told.at(-1);
      const message = last && rig.provider.readWebhook(last.body, last.receivedAt);
      expect(message).toMatchObject(says(payment));
      if (message === undefined || !('report' in message)) return;
      const { evidence } = message.report;
      expect(evidence).toEqual({ source: 'CALLBACK', providerTime: expect.any(Date), receivedAt: last?.receivedAt });
    });

    test('W02 a callback that is doubled has one event id', async () => {
      const rig = await open();
      await bringPaid(rig, { fault: 'duplicate', count: 2, times: 9 });
      const ids = eventIdsOf(accepted(rig));
      const times = ids.map((id) => ids.filter((other) => other === id).length);
      expect(Math.max(...times)).toBe(3);
    });

    test('W03 a callback that is not kept comes again, signed anew, under the same event id', async () => {
      const rig = await open();
      rig.entrance.failures = 3;
      await bringPaid(rig);
      await rig.advance(day);
      const all = accepted(rig);
      expect(refused(rig)).toEqual([]);
      const first = all[0];
      const same = all.filter((one) => eventIdsOf([one])[0] === (first && eventIdsOf([first])[0]));
      expect(same.length).toBeGreaterThan(1);
      const [once, twice] = same.map(({ headers, body }) =>
        JSON.stringify([pick(headers, rig.provider), body.toString('latin1')]),
      );
      expect(twice).not.toBe(once);
    });

    test('W04 what was acknowledged does not come again', async () => {
      const rig = await open();
      await bringPaid(rig);
      const { length } = rig.entrance.delivered;
      expect(length).toBeGreaterThan(0);
      await rig.advance(5 * day);
      const later = rig.entrance.delivered.slice(length);
      const ids = new Set(eventIdsOf(rig.entrance.delivered.slice(0, length)));
      expect(later.filter((one) => ids.has(eventIdsOf([one])[0] ?? ''))).toEqual([]);
    });

    test.each(['forge', 'alter', ...(isDated ? ['stale'] : [])])(
      'W05 %s: it is refused, and the genuine one is believed afterwards',
      async (fault) => {
        const rig = await open();
        await bringPaid(rig, { fault });
        const wrong = refused(rig);
        expect(wrong).toHaveLength(1);
        expect(['BAD_SIGNATURE', 'STALE']).toContain(wrong[0]?.verdict);
        if (fault === 'stale') expect(wrong[0]?.verdict).toBe('STALE');
        const before = accepted(rig).length;
        await rig.advance(day);
        expect(refused(rig)).toHaveLength(1);
        if (fault !== 'forge') expect(accepted(rig).length).toBeGreaterThan(before);
      },
    );

    test('W06 a callback that is old is believed where the provider’s signature has no date, and refused where it has', async () => {
      const { rig, delivery } = await genuine();
      const late = { ...delivery, receivedAt: new Date(delivery.receivedAt.getTime() + 301_000) };
      const early = { ...delivery, receivedAt: new Date(delivery.receivedAt.getTime() - 302_000) };
      for (const one of [late, early]) {
        expect(verdictOf(rig.provider, one)).toEqual(isDated ? 'STALE' : delivery.verdict);
      }
    });

    test('W07 a callback without its signature is refused', async () => {
      const { rig, delivery } = await genuine();
      const bare = withoutSignature(delivery);
      expect(verdictOf(rig.provider, bare)).toBe('MISSING_SIGNATURE');
      expect((await post(rig, { ...bare, headers: { ...bare.headers } })).status).toBe(400);
    });

    test('W08 a callback that tells another amount, signed rightly, is read as what it tells', async () => {
      const rig = await open();
      await bringPaid(rig, { fault: 'wrong_amount', times: 9 });
      const amounts = accepted(rig).flatMap(({ body, receivedAt }) => {
        const message = rig.provider.readWebhook(body, receivedAt);
        return message.kind === 'payment' && message.report.status === 'SUCCEEDED' ? [message.report.amountMinor] : [];
      });
      expect(amounts.length).toBeGreaterThan(0);
      for (const amountMinor of amounts) expect(amountMinor).not.toBe(contract.price.amountMinor);
    });

    test('W09 a callback of another account is foreign, and tells nothing of our payments', async () => {
      const { rig, delivery } = await genuine();
      const verdict = verdictOf(rig.stranger, delivery);
      if (verdict === 'FOREIGN') return;
      expect(typeof verdict).toBe('object');
      expect(rig.stranger.readWebhook(delivery.body, delivery.receivedAt)).toMatchObject({
        kind: 'foreign',
        reason: expect.stringMatching(/\w/),
      });
    });

    test('W10 it is verified by the headers that are kept, and by no others', async () => {
      const { rig, delivery } = await genuine();
      const { headers, ...rest } = delivery;
      const kept = { ...pick(headers, rig.provider), 'content-type': headers['content-type'] ?? '' };
      expect(verdictOf(rig.provider, { ...rest, headers: kept })).toEqual(delivery.verdict);
    });

    test('W11 it is acknowledged as the provider wants it, once more as well', async () => {
      const { rig, delivery } = await genuine();
      const { status, body } = rig.provider.acknowledgement;
      expect(await post(rig, delivery)).toEqual({ status, text: body });
      expect(
        await post(rig, delivery, { path: `/webhooks/${rig.provider.name.toLowerCase()}/${rig.provider.account}` }),
      ).toEqual({ status, text: body });
    });

    test('W12 what is no callback is refused in the terms of HTTP, and never acknowledged', async () => {
      const { rig, delivery } = await genuine();
      const refusals: [Parameters<typeof post>[2], number][] = [
        [{ headers: { 'content-type': 'text/plain' } }, 415],
        [{ headers: { 'content-type': 'multipart/form-data' } }, 415],
        [{ headers: { 'content-encoding': 'gzip' } }, 415],
        [{ method: 'GET' }, 405],
        [{ body: Buffer.alloc(256 * 1024 + 1, 0x20) }, 413],
        [{ body: Buffer.alloc(0) }, 400],
        [{ path: `/webhooks/${rig.provider.name.toLowerCase()}/somebody` }, 404],
      ];
      for (const [changed, status] of refusals) {
        const answer = await post(rig, delivery, changed);
        expect(answer.status).toBe(status);
        expect(answer.text).not.toBe(rig.provider.acknowledgement.body);
      }
    });

    test('W13 a refusal says nothing of its reason', async () => {
      const { rig, delivery } = await genuine();
      const answers = await Promise.all([
        post(rig, withoutSignature(delivery)),
        post(rig, delivery, { body: Buffer.concat([delivery.body, Buffer.from('&x=1')]) }),
        post(rig, delivery, { body: Buffer.from('{') }),
      ]);
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    });

    test('W14 what is kept of a callback reads as all of it did, and holds no secret and nothing of the buyer', async () => {
      const { provider, genuine: all } = await genuineOf(contract);
      for (const { body, receivedAt, message } of all) {
        const kept = provider.redactWebhook(body, 'to_be_read');
        expect(provider.readWebhook(kept, receivedAt)).toEqual(message);
        const done = provider.redactWebhook(kept, 'done');
        expect(done).toEqual(provider.redactWebhook(body, 'done'));
        expect(provider.redactWebhook(done, 'done')).toEqual(done);
        // Only the first callback of a payment may keep the secret that starts it.
        const isFirst = message.kind === 'payment' && message.isCreation;
        for (const written of contract.withheld) {
          expect(done.toString('latin1')).not.toMatch(written);
          if (!isFirst) expect(kept.toString('latin1')).not.toMatch(written);
        }
      }
      for (const written of contract.withheld) {
        expect(all.some(({ body }) => written.test(body.toString('latin1')))).toBe(true);
      }
    });

    test('W15 of what is no callback nothing is kept that somebody has written', async () => {
      const { provider } = await open();
      for (const text of ['', 'client_secret', '{"client_secret":', '[1]', '"openid"', 'openid=o123&%zz=1', '\u0000']) {
        for (const stage of ['to_be_read', 'done'] as const) {
          expect(provider.redactWebhook(Buffer.from(text), stage).toString('latin1')).not.toMatch(/secret|openid|o123/);
        }
      }
    });

    test.each(['unknown_status', 'unreadable'])(
      'W16 %s: signed rightly it is accepted, names its payment, and is neither believed nor ignored',
      async (fault) => {
        const rig = await open();
        const { order } = await bringPaid(rig, { fault, times: 9 });
        expect(refused(rig)).toEqual([]);
        const read = (by: PaymentProvider) =>
          accepted(rig)
            .filter((delivery) => typeof verdictOf(by, delivery) === 'object')
            .map(({ body, receivedAt }) => by.readWebhook(by.redactWebhook(body, 'to_be_read'), receivedAt))
            .filter((message) => message.kind !== 'payment' || !message.isCreation); // // reported before
        const messages = read(rig.provider).filter(({ kind }) => kind !== 'ignored');
        expect(messages.length).toBeGreaterThan(0);
        for (const message of messages) {
          const reason = expect.stringMatching(/^a verified .+\.$/);
          expect(message).toMatchObject({ kind: 'unclear', paymentId: order.paymentId, reason });
        }
        expect(read(rig.stranger).map(({ kind }) => kind)).not.toContain('unclear');
      },
    );

    test('W17 gbk: in the other charset of a provider that knows one, a callback says the same', async () => {
      const rig = await open();
      const { order } = await bringPaid(rig, { fault: 'gbk', times: 9 });
      expect(refused(rig)).toEqual([]);
      const messages = accepted(rig).map(({ body, receivedAt }) =>
        rig.provider.readWebhook(rig.provider.redactWebhook(body, 'to_be_read'), receivedAt),
      );
      const report = { paymentId: order.paymentId, status: 'SUCCEEDED', amountMinor: contract.price.amountMinor };
      expect(messages).toContainEqual(expect.objectContaining({ report: expect.objectContaining(report) }));
    });
  });
}

function pick(headers: WebhookDelivery['headers'], { webhookHeaders }: PaymentProvider): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => webhookHeaders.includes(name)));
}
