import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { readMasterKey } from '../../src/accounts/master-key.ts';
import { readOptions } from '../../src/administration/options.ts';
import { runCommand, sentenceOf } from '../../src/administration/run-command.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createNotifier } from '../../src/events/notifications.ts';
import { createRedisNotifier } from '../../src/events/redis-notifications.ts';
import { createLogger, errorFields } from '../../src/logging/logger.ts';
import { testKeys } from '../support/chinese-providers.ts';
import { accountParts, stripeVariables } from '../support/merchants.ts';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { startOtlpCollector } from '../support/otlp-collector.ts';
import { control, startTestApp, type TestApp, testStripe, untilCallbacksCame, withToken } from '../support/test-app.ts';
import { type Canaries, coreOf, findCanaries, readRows, type Text } from './canaries.ts';

const random = () => randomBytes(24).toString('base64url').replaceAll(/[_-]/g, 'x');

/** What the server is configured with. */
function givenSecrets(): Canaries & Record<'developmentToken' | 'stripeKey' | 'storedKey' | 'masterKey', string> {
  const { alipay, wechatpay } = testKeys();
  const masterKey = randomBytes(32).toString('hex');
  return {
    developmentToken: `canary_${random()}`,
    stripeKey: `sk_test_${random()}`,
    storedKey: `sk_test_${random()}`,
    storedWebhookSecret: `whsec_${random()}`,
    webhookSecret: testStripe.webhookSecret,
    otherWebhookSecret: testStripe.otherWebhookSecret,
    masterKey,
    masterKeyInBase64: Buffer.from(masterKey, 'hex').toString('base64'),
    alipayPrivateKey: coreOf(alipay.appPrivateKey),
    wechatpayPrivateKey: coreOf(wechatpay.merchantPrivateKey),
    wechatpayApiV3Key: wechatpay.apiV3Key,
  };
}

// `trace` writes the lines of all levels; at `error`, most are not even made.
const levels = ['trace', 'error'] as const;

describe.each(levels)('at the level %s', (level) => {
  const lines: string[] = [];
  const log = createLogger(level, { write: (line) => void lines.push(line) });
  /** Answers that are not meant to show the secret. */
  const answers: Text[] = [];
  let app: TestApp | null = null;
  afterAll(() => app?.close());

  async function ask(token: string, query: string, variables: object = {}, shows = false): Promise<unknown> {
    if (app === null) throw new Error('The app is not open yet.');
    const response = await fetch(`${app.app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    if (!shows) answers.push({ place: `the answer to ${query.slice(0, 60)}`, text });
    return JSON.parse(text);
  }

  test('no secret is written to the log, to rows in the clear, to spans, to metrics, or to another’s answer', async () => {
    const given = givenSecrets();
    const collector = await startOtlpCollector();
    const { stripeKey, masterKey, developmentToken } = given;
    const config = {
      ...{ devApiKey: developmentToken, masterKeys: { current: readMasterKey(masterKey), old: null } },
      redisUrl: `redis://user:${developmentToken}@127.0.0.1:1/0`,
      telemetry: { tracing: collector.settings, metrics: { host: '127.0.0.1', port: 0 } },
    };
    const opened = await startTestApp({ log, stripeKey, config });
    app = withToken(opened, developmentToken);
    const made = await administer();
    const secrets = { ...given, ...(await payAndRefund(app)), ...made };
    await goWrong(app, secrets);
    await command(app, secrets);
    await app.app.rounds.sweep();
    await untilApplied(app);
    const metrics = await (await fetch(app.app.metricsUrl ?? '')).text();
    const rows = await readRows(app);
    await app.close(); // exports the last spans
    app = null;
    await collector.close();
    const texts = [
      ...lines.map((text) => ({ place: 'the log', text })),
      ...[...answers, ...rows, { place: 'the metrics', text: metrics }],
      ...collector.texts.map((text) => ({ place: 'the spans', text })),
    ];
    expect(findCanaries(secrets, texts)).toEqual([]);
    expect(collector.spans.length).toBeGreaterThan(100);
    expect(metrics).toContain('paystream_provider_call_duration_seconds_count');
    expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(16);
    if (level === 'trace') expect(lines.length).toBeGreaterThan(50);

    async function administer() {
      const token = developmentToken;
      const key = (await ask(
        token,
        'mutation { createApiKey(name: "shop") { ... on CreatedApiKey { token } } }',
        {},
        true,
      )) as {
        data: { createApiKey: { token: string } };
      };
      const signing = (await ask(
        token,
        'mutation { createSigningKey { ... on CreatedSigningKey { secret } } }',
        {},
        true,
      )) as { data: { createSigningKey: { secret: string } } };
      const values = {
        ...stripeVariables(opened, given.storedKey).values,
        STRIPE_WEBHOOK_SECRETS: given.storedWebhookSecret,
      };
      const variables = Object.entries(values).map(([name, value]) => ({ name, value }));
      const add = `mutation($variables: [ProviderVariableInput!]!) {
        addProviderAccount(provider: "STRIPE", variables: $variables) { __typename ... on Error { message } ... on InvalidInputError { issues { path message } } }
      }`;
      await ask(token, add, { variables: variables.filter(({ name }) => name !== 'STRIPE_API_BASE') });
      await ask(token, add, { variables });
      await ask(token, add, { variables: variables.map(({ name, value }) => ({ name, value: `"${value}" ` })) });
      // Whoever sends a secret in the place of something else may read it in the answer, but nobody else in the log.
      await ask(token, add, { variables: variables.map(({ value }) => ({ name: value, value })) }, true);
      await ask(token, add, { variables: given.storedKey }, true);
      await ask(token, '{ apiKeys { id name hint } signingKeys { id } providerAccounts { id account } }');
      const { secret: signingSecret } = signing.data.createSigningKey;
      const { data } = (await ask(token, '{ merchant { id } }')) as { data: { merchant: { id: string } } };
      const operatorToken = await new SignJWT({ role: 'OPERATOR' })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('ada')
        .setAudience(data.merchant.id)
        .setExpirationTime('1h')
        .sign(Buffer.from(signingSecret));
      await ask(operatorToken, '{ orders { nodes { id } } apiKeys { id } }');
      return { apiKey: key.data.createApiKey.token, signingSecret, operatorToken };
    }
  });

  async function payAndRefund(node: TestApp): Promise<Canaries> {
    const order = await createOrder(node);
    const read = (await ask(node.token, `{ order(id: "${order.id}") { clientToken } }`, {}, true)) as {
      data: { order: { clientToken: string } };
    };
    const { clientToken } = read.data.order;
    const buyer = withToken(node, clientToken);
    const declined = await payOrder(buyer, order.id);
    await confirmCard(node, declined, 'pm_card_chargeDeclined');
    await untilCallbacksCame(node);
    await confirmCard(node, declined);
    await untilCallbacksCame(node);
    const refund = `mutation($id: ID!, $amountMinor: MinorUnits!, $key: String!) {
      requestRefund(input: { paymentId: $id, amountMinor: $amountMinor, idempotencyKey: $key }) { __typename ... on Error { message } }
    }`;
    const refunded = { id: declined.id, amountMinor: 500, key: randomUUID() };
    await ask(clientToken, refund, refunded);
    await ask(node.token, refund, refunded);
    await ask(node.token, refund, { ...refunded, key: randomUUID(), amountMinor: 99_999 });
    for (const [method, side] of [
      ['ALIPAY', 'alipay'],
      ['WECHAT_PAY', 'wechatpay'],
    ] as const) {
      const other = await createOrder(node, { currency: 'CNY' });
      const { id } = await payOrder(node, other.id, { method, flow: 'QR_CODE' });
      await control(node.sandboxUrl, `${side}/buyer/${id}`, { action: 'pay' });
      await untilCallbacksCame(node);
      await ask(node.token, refund, { id, amountMinor: 500, key: randomUUID() });
    }
    const { nextAction } = declined;
    const clientSecret = nextAction?.__typename === 'ConfirmCardAction' ? nextAction.clientSecret : '';
    return { clientToken, clientSecret };
  }

  async function goWrong(node: TestApp, secrets: Canaries): Promise<void> {
    const { url } = node.app;
    // The lowest level writes everything that the others write.
    const misplaced = level === 'trace' ? Object.entries(secrets) : [];
    const everything = 'query($id: ID!) { order(id: $id) { id } }';
    for (const [name, secret] of misplaced) {
      // Where a secret was put by mistake: as the token, an address, a header, an id, a variable of another type, a broken document.
      await ask(`${secret.slice(0, -1)}x`.replaceAll(/[^!-~]/g, ''), '{ orders { nodes { id } } }');
      const wrong = [{ id: [secret] }, { id: { [secret]: 1 } }, { other: secret }, secret];
      for (const variables of wrong) await ask(node.token, everything, variables as object, true);
      await ask(node.token, `{ ${secret} }`, {}, true);
      const headers = {
        'stripe-signature': secret,
        authorization: `Basic ${secret}`,
      };
      const path = encodeURIComponent(secret);
      for (const place of [
        `/?key=${path}`,
        `/graphql?token=${path}`,
        `/webhooks/stripe?key=${path}`,
        '/webhooks/stripe',
        '/webhooks/alipay',
      ]) {
        const response = await fetch(url + place, {
          method: 'POST',
          headers,
          body: `{"secret": ${JSON.stringify(secret)}`,
        });
        const text = await response.text();
        answers.push({ place: `the answer to ${name} at ${place.slice(0, 20)}`, text });
      }
    }
    await ask('none', everything, { id: 'ord_x' });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${secrets.apiKey}x` } })),
    );
    socket.on('message', (data) => answers.push({ place: 'a socket', text: String(data) }));
    await closed;
    for (const fault of ['error_500_after', 'malformed', 'reset_after', 'bad_signature']) {
      const order = await createOrder(node);
      await control(node.sandboxUrl, 'faults', { fault, times: 2 });
      const input = { idempotencyKey: randomUUID(), orderId: order.id, method: 'CARD', flow: 'EMBEDDED' };
      await ask(
        node.token,
        'mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename ... on Error { message } } }',
        { input },
      );
    }
    await fetch(`${node.sandboxUrl}/control/faults`, { method: 'DELETE' });
  }

  async function command(node: TestApp, secrets: Canaries): Promise<void> {
    const masterKeys = { current: readMasterKey(secrets.masterKey ?? ''), old: null };
    const parts = {
      ...{ ...accountParts(node), log, masterKeys, publicUrl: null, localUrl: node.app.url, ofEnvironment: [] },
      webhookRules: { isProduction: false, allowsLoopback: false },
    };
    const run = async (...args: readonly string[]) => {
      const options = readOptions(args);
      const text = options === null ? '' : await runCommand(parts, options).catch(sentenceOf);
      answers.push({ place: args.join(' '), text });
    };
    const file = join(mkdtempSync(join(tmpdir(), 'paystream-canary-')), 'account.env');
    writeFileSync(file, `STRIPE_SECRET_KEY=${secrets.storedKey}\nSTRIPE_WEBHOOK_SECRETS=${secrets.storedKey}\n`);
    await run('provider', 'add', 'stripe', '--file', file);
    await run('provider', 'add', 'alipay', '--file', file);
    for (const what of ['merchant', 'key', 'signing-key', 'provider']) await run(what, 'list');
    await run('master-key', 'rotate');
  }
});

test('the sentences of a start that fails show no secret', async () => {
  // One key in 64 starts with a slash, as a path does.
  const given = { ...givenSecrets(), password: random(), base64LikeAPath: `/${random()}/${random()}` };
  const { masterKey: _, ...canaries } = given;
  const wrong = Object.fromEntries(
    [
      ...[
        'STRIPE_SECRET_KEY',
        'STRIPE_PUBLISHABLE_KEY',
        'STRIPE_WEBHOOK_SECRETS',
        'ALIPAY_PRIVATE_KEY',
        'ALIPAY_PUBLIC_KEY',
      ],
      ...[
        'ALIPAY_APP_ID',
        'WECHATPAY_PRIVATE_KEY',
        'WECHATPAY_API_V3_KEY',
        'WECHATPAY_PLATFORM_KEYS',
        'WECHATPAY_SERIAL',
      ],
      ...['MASTER_KEY', 'MASTER_KEY_OLD', 'DEV_API_KEY', 'PORT', 'LOG_LEVEL', 'NODE_ENV', 'PUBLIC_URL', 'REDIS_URL'],
      ...['MASTER_KEY_FILE', 'ALIPAY_GATEWAY', 'STRIPE_API_BASE', 'DATABASE_URL', 'HOST'],
      ...['CALLBACK_RETENTION_DAYS'],
    ].map((name) => [name, name]),
  );
  const texts: Text[] = [];
  for (const secret of Object.values(canaries)) {
    for (const name of Object.keys(wrong)) {
      for (const value of [secret, `"${secret}"`, `${secret}\u200b`, `https://user:${secret}@h/?${secret}`]) {
        try {
          readConfig({ [name]: value });
        } catch (error) {
          texts.push({ place: name, text: error instanceof Error ? `${error.message}${error.stack}` : '' });
        }
      }
    }
  }
  const lines: string[] = [];
  const log = createLogger('debug', { write: (line) => void lines.push(line) });
  for (const address of [
    `postgresql://user:${given.password}@127.0.0.1:1/shop`,
    `postgresql://user:${given.password}@[/shop`,
  ]) {
    const failed = await openDatabase({ databaseUrl: address, dataDir: '' }).then(
      () => null,
      (error: unknown) => error,
    );
    log.error({ err: failed }, 'the start failed');
    texts.push({ place: 'the database', text: String(failed) + JSON.stringify(errorFields(failed)) });
  }
  const redis = createRedisNotifier(`redis://user:${given.password}@127.0.0.1:1/0`, 'log', createNotifier(), log);
  await expect.poll(() => lines.some((line) => line.includes('Redis'))).toBe(true);
  await redis.close();
  texts.push(...lines.map((text) => ({ place: 'the log', text })));
  expect(texts.length).toBeGreaterThan(100);
  expect(findCanaries(canaries, texts)).toEqual([]);
});

/** The first callback of a card payment keeps its client secret until it is applied, which another transaction may delay. */
async function untilApplied(app: TestApp): Promise<void> {
  const isPending = "select count(*)::int as pending from deliveries where status = 'PENDING'";
  for (;;) {
    await app.app.idle();
    const { rows } = await app.database.pool.query<{ pending: number }>(isPending);
    if (rows[0]?.pending === 0) return;
    app.clock.advance(60_000);
    await app.app.rounds.applyDeliveries();
  }
}
