import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { ReadExport } from '../../src/graphql/export-pages.ts';
import { createExports } from '../../src/http/exports.ts';

const row = { id: 'rfd_1', order: { id: 'ord_1', number: 'N' }, payment: { id: 'pay_1', method: 'CARD' }, amount: {} };

/** Asks a server that exports what `read` yields, and reads the whole body. */
async function download(read: ReadExport): Promise<string> {
  const serve = createExports(read, () => '127.0.0.1');
  const server = createServer((request, response) => {
    serve('refunds', request, response, 'one').catch(() => response.destroy()); // as the server of the app does
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.headers.get('transfer-encoding')).toBe('chunked');
    return await response.text();
  } finally {
    server.closeAllConnections();
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
