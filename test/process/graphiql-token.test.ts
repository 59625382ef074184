import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startTestApp } from '../support/test-app.ts';

/** GraphiQL's page, asked for by the name of this machine, as some proxies ask for whatever comes to them. */
async function pageOf(publicUrl: string | null): Promise<{ page: string; token: string }> {
  const app = await startTestApp({ config: { publicUrl } });
  onTestFinished(() => app.close());
  const { port } = new URL(app.app.url);
  const page = await new Promise<string>((resolve, reject) => {
    request({ port, path: '/graphql', headers: { host: `127.0.0.1:${port}`, accept: 'text/html' } })
      .once('response', (response) => text(response).then(resolve, reject))
      .once('error', reject)
      .end();
  });
  expect(page).toContain('GraphiQL');
  return { page, token: app.token };
}

test.each([[null], ['http://localhost:4000']])(
  'at %s GraphiQL brings the token of this machine along',
  async (publicUrl) => {
    const { page, token } = await pageOf(publicUrl);
    expect(page).toContain(token);
  },
);

test.each([['https://pay.example'], ['http://10.0.0.5:4000']])(
  'reached as %s, through whatever proxy, GraphiQL does not tell the token',
  async (publicUrl) => {
    const { page, token } = await pageOf(publicUrl);
    expect(page).not.toContain(token);
  },
);
