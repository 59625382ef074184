import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { expect, test, vi } from 'vitest';
import type { Caller } from '../../src/graphql/authentication.ts';
import { createExportReader, type ReadExport } from '../../src/graphql/export-pages.ts';
import type { ServerContext } from '../../src/graphql/viewer.ts';
import { Answer } from '../../src/http/answer.ts';
import { createExports, exportsMax, pageTakenMsMax } from '../../src/http/exports.ts';
import { RequestRefusedError } from '../../src/http/refusal.ts';
import { replyRefusal } from '../../src/http/reply.ts';
import type { OperationRate } from '../../src/limits/open-limits.ts';
import { createQuota } from '../../src/limits/quota.ts';
import type { RateLimiter } from '../../src/limits/rate-limiter.ts';

const row = { id: 'rfd_1', order: { id: 'ord_1', number: 'N' }, payment: { id: 'pay_1', method: 'CARD' }, amount: {} };

type Exporting = { readonly url: string; close(): void };

/** A server that exports what `read` yields. */
async function serveExports(read: ReadExport): Promise<Exporting> {
  const serve = createExports(read, () => '127.0.0.1');
  const server = createServer({ ServerResponse: Answer }, (request, response) => {
    serve('refunds', request, response, 'one').catch((error: unknown) => {
      // as the server of the app does
      if (error instanceof RequestRefusedError && !response.headersSent) replyRefusal(response, error);
      else response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Asks a server that exports what `read` yields, and reads the whole body. */
async function download(read: ReadExport): Promise<string> {
  const server = await serveExports(read);
  try {
    const response = await fetch(server.url);
    expect(response.headers.get('transfer-encoding')).toBe('chunked');
    return await response.text();
  } finally {
    server.close();
  }
}

test('an export that fails on its way is cut: its reader gets an error, and not a part that looks whole', async () => {
  const failing: ReadExport = async function* () {
    yield [row];
    throw new Error('The database is away.');
  };
  await expect(download(failing)).rejects.toThrow();
  const whole: ReadExport = async function* () {
    yield [row];
  };
  expect((await download(whole)).split('\r\n')).toHaveLength(3);
});

test('a process sends so many exports at a time: others are to try again, and do when one has ended', async () => {
  const ending: (() => void)[] = [];
  const server = await serveExports(async function* () {
    yield [row];
    await new Promise<void>((resolve) => ending.push(resolve));
  });
  try {
    const sent = await Promise.all(Array.from({ length: exportsMax }, () => fetch(server.url)));
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await fetch(server.url);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ error: expect.stringMatching(/^Too many exports/) });
    await expect.poll(() => ending.length).toBe(exportsMax);
    ending.shift()?.();
    const ended = await Promise.race(sent.map((response) => response.text()));
    expect(ended.split('\r\n')).toHaveLength(3);
    const next = fetch(server.url).then(({ status }) => status);
    expect(await next).toBe(200);
  } finally {
    for (const end of ending) end();
    server.close();
  }
});

test('a client that takes no page for 30 s loses its place', async () => {
  const read: ReadExport = async function* () {
    for (;;) yield Array.from({ length: 1000 }, () => ({ ...row, reason: 'x'.repeat(1000) }));
  };
  const server = await serveExports(read);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const [response] = (await once(get(server.url), 'response')) as [IncomingMessage]; // and nobody reads it
    const cut = once(response, 'error');
    while (vi.getTimerCount() === 0) await nextTurn();
    vi.advanceTimersByTime(pageTakenMsMax - 1);
    await nextTurn();
    expect(response.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    response.resume();
    expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);
  } finally {
    vi.useRealTimers();
    server.close();
  }
});

test('one caller has two exports at a time, one merchant four: others are refused until one has ended', async () => {
  const looks = new Map<string, number>();
  const ends = new Map<string, () => void>();
  // The third look at a token comes before the first page, when the export has its places. It waits until the test ends the export.
  const authenticate = async (authorization: string | null): Promise<Caller> => {
    const token = authorization ?? '';
    const [merchantId = '', id = ''] = token.split(' ');
    looks.set(token, (looks.get(token) ?? 0) + 1);
    if (looks.get(token) === 3) {
      await new Promise<void>((resolve) => ends.set(token, resolve));
      throw new Error('The test ends the export.');
    }
    return { merchantId, role: 'OPERATOR', id } as unknown as Caller;
  };
  const unlimited: RateLimiter = { take: async () => null, waitMsOf: async () => null };
  const rates = { personQueries: unlimited } as Record<OperationRate, RateLimiter>;
  const read = createExportReader({} as ServerContext, authenticate, { rates, places: createQuota() });
  /** Asks for an export. Resolves when it has its places, or to the code of its refusal. */
  const ask = async (token: string): Promise<unknown> => {
    const refused = read({
      ...{ kind: 'orders', authorization: token, parameters: new URLSearchParams() },
      ...{ requestId: 'one', address: '127.0.0.1' },
    })
      .next()
      .then(
        () => 'sent',
        (error: unknown) => (error instanceof GraphQLError ? error.extensions.code : 'ended'),
      );
    running.set(token, refused);
    while (!ends.has(token)) {
      const outcome = await Promise.race([refused, nextTurn('waits')]);
      if (outcome !== 'waits') return outcome;
    }
    return 'has places';
  };
  const running = new Map<string, Promise<unknown>>();
  const asked = async (...tokens: readonly string[]) => {
    const outcomes: unknown[] = [];
    for (const token of tokens) outcomes.push(await ask(token));
    return outcomes;
  };

  expect(await asked('shop ada 1', 'shop ada 2', 'shop ada 3')).toEqual(['has places', 'has places', 'OVERLOADED']);
  expect(await asked('shop bob 1', 'shop cat 1', 'shop dan 1')).toEqual(['has places', 'has places', 'OVERLOADED']);
  expect(await asked('other eve 1')).toEqual(['has places']);
  ends.get('shop ada 1')?.();
  expect(await running.get('shop ada 1')).toBe('ended');
  expect(await asked('shop dan 2', 'shop ada 4')).toEqual(['has places', 'OVERLOADED']);
  for (const end of ends.values()) end();
  await Promise.all(running.values());
});
