import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp, unlimited } from '../support/test-app.ts';
import { answersOf, transports } from '../support/transports.ts';

let app: TestApp;
afterEach(() => app.close());

test.each(transports.map((transport) => [transport]))(
  'over %s an operation for which there is no place is OVERLOADED, with the time to wait',
  async (transport) => {
    app = await startTestApp({ config: { limits: { ...unlimited, operationsInFlight: 0, operationsQueued: 0 } } });
    const [answer] = await answersOf(app, transport, { query: '{ merchant { id } }' });
    expect(answer?.errors).toMatchObject([{ extensions: { code: 'OVERLOADED', retryAfterMs: 1000 } }]);
    expect(JSON.stringify(answer)).not.toContain('"http"');
  },
);
