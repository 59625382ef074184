import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newWebhookSecret } from '../../src/accounts/webhook-secrets.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { createOrder } from '../support/orders.ts';
import { sendWebhooks } from '../support/settled.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/outgoing-webhooks.md'), 'utf8');
// Within the project, so that the packages are found.
const file = join(root, '.build', `webhook-receiver-of-the-page-${process.pid}.mjs`);

let app: TestApp;
let receiver: ChildProcess;
let printed = '';
const secret = newWebhookSecret().reveal();

beforeAll(async () => {
  app = await startTestApp({ config: { masterKeys: testMasterKeys } });
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  mkdirSync(join(root, '.build'), { recursive: true });
  writeFileSync(file, code);
  const start = `import { server } from ${JSON.stringify(pathToFileURL(file).href)};
    server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));`;
  receiver = spawn(process.execPath, ['--input-type=module', '-e', start], {
    env: { ...process.env, WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  receiver.stdout?.on('data', (chunk) => {
    printed += String(chunk);
  });
});
afterAll(async () => {
  receiver.kill('SIGKILL');
  rmSync(file, { force: true });
  await app.close();
});

test('the receiver of docs/outgoing-webhooks.md takes genuine messages, each event once, and refuses others', async () => {
  await expect.poll(() => printed).toContain('port ');
  const url = `http://127.0.0.1:${/port (\d+)/.exec(printed)?.[1]}/`;
  const { made } = await app.client.request<{ made: { endpoint: { id: string } } }>(
    `mutation($input: CreateWebhookEndpointInput!) { made: createWebhookEndpoint(input: $input) {
      ... on WebhookEndpointSecret { endpoint { id } } } }`,
    { input: { url, secret } },
  );
  const { id } = await createOrder(app);
  await sendWebhooks(app);
  await expect.poll(() => printed).toContain(`ORDER_CREATED ${id} 1`);
  const { webhookMessages } = await app.client.request<{
    webhookMessages: {
      nodes: { eventId: string; status: string; attempts: { requestBody: string; responseStatus: number }[] }[];
    };
  }>(
    `query($id: ID!) { webhookMessages(endpointId: $id) { nodes { eventId status attempts { requestBody responseStatus } } } }`,
    {
      id: made.endpoint.id,
    },
  );
  const [message] = webhookMessages.nodes;
  expect(message).toMatchObject({ status: 'DELIVERED', attempts: [{ responseStatus: 204 }] });

  const again = `mutation($id: ID!, $event: ID!) { resendWebhook(endpointId: $id, eventId: $event) { __typename } }`;
  await app.client.request(again, { id: made.endpoint.id, event: message?.eventId });
  await sendWebhooks(app);
  expect(printed.match(/ORDER_CREATED/g)).toHaveLength(1);

  const headers = { 'webhook-id': message?.eventId ?? '', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)) };
  const forged = { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` };
  const body = message?.attempts[0]?.requestBody ?? '';
  expect((await fetch(url, { method: 'POST', headers: forged, body })).status).toBe(400);
});
