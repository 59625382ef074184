import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../support/server-process.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
/** A folder with the packed package installed in it, and nothing else. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'paystream-packed-'));
  installPacked();
  app = await startTestApp();
});
afterAll(async () => {
  await app?.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Does what `npm install` of the packed file does, without a network: its dependencies are those of the project, by links. The package is
 * built aside, because other tests use the build in its folder.
 */
function installPacked(): void {
  const source = join(projectRoot, 'packages/client');
  const staging = join(folder, 'staging');
  const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc');
  mkdirSync(staging);
  for (const name of ['package.json', 'README.md']) cpSync(join(source, name), join(staging, name));
  execFileSync(process.execPath, [
    tsc,
    '--project',
    join(source, 'tsconfig.build.json'),
    '--outDir',
    join(staging, 'dist'),
  ]);
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: staging,
    stdio: 'pipe',
  });
  rmSync(staging, { recursive: true });
  const [file = ''] = readdirSync(folder);
  const installed = join(folder, 'node_modules/@paystream/client');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, file), '--strip-components=1', '-C', installed]);
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules', name), link);
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
}

test('the quick start works as pasted', async () => {
  const page = readFileSync(join(projectRoot, 'packages/client/README.md'), 'utf8');
  const [, program = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  writeFileSync(join(folder, 'pay.mjs'), program);
  const child = spawn(process.execPath, ['pay.mjs'], {
    cwd: folder,
    env: { ...process.env, PAYSTREAM_URL: `${app.app.url}/graphql`, PAYSTREAM_TOKEN: app.token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const [, address] = /^Open (\S+)$/.exec(line) ?? [];
    if (address === undefined) continue;
    // The buyer presses Pay.
    await fetch(address, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ action: 'pay', card: '4242424242424242' }),
    });
  }
  expect(await ended).toEqual([0, null]);
  expect(lines.slice(1)).toEqual([
    '2 PAYMENT_STARTED OPEN PENDING',
    '3 PAYMENT_ACTION_REQUIRED OPEN PENDING',
    '4 PAYMENT_SUCCEEDED OPEN PAID',
    '5 ORDER_CONFIRMED CONFIRMED PAID',
  ]);
});

const typedProgram = `
import { createPaystreamClient, merge, type Order, type PayResult } from '@paystream/client';
import { scalars } from '@paystream/client/codegen';
import { possibleTypes } from '@paystream/client/possible-types';

const paystream = createPaystreamClient({ url: 'https://pay.example.com/graphql', token: async () => 'token', storage: localStorage });
const cursorType: 'string' = scalars.EventCursor;
const members: string[] | undefined = possibleTypes.Node;

function textOf(result: PayResult): string {
  switch (result.kind) {
    case 'paid': case 'authorized': return result.order.total.decimal;
    case 'actionRequired': return result.action.__typename === 'RedirectAction' ? result.action.url : result.payment.id;
    case 'processing': case 'failed': case 'inProgress': return result.payment.status;
    case 'notPayable': return result.order.status;
    case 'methodNotAvailable': return result.available.map(({ method }) => method).join();
    case 'invalid': return result.issues.map(({ path }) => path).join();
    case 'limited': case 'unavailable': return String(result.retryAfterMs);
    case 'refused': return result.code;
    case 'unknown': return result.error.code;
  }
}

export async function main(order: Order): Promise<unknown> {
  const result = await paystream.pay({ orderId: order.id, method: 'CARD' });
  // @ts-expect-error not every outcome has a payment
  result.payment;
  // @ts-expect-error the application has no key
  await paystream.pay({ orderId: order.id, method: 'CARD', idempotencyKey: 'mine' });
  // @ts-expect-error an amount is a number
  const text: string = order.total.amountMinor;
  for await (const event of paystream.follow('merchant')) return merge(order, ...[order]).version + event.sequence;
  for await (const copy of paystream.watch(order.id)) return copy.payments[0]?.nextAction?.__typename;
  return [textOf(result), text, cursorType, members];
}
`;

test('its types compile in a strict project, and force every outcome to be handled', () => {
  const compilerOptions = {
    ...{ noEmit: true, strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: [] },
    ...{ target: 'es2022', module: 'esnext', moduleResolution: 'bundler' },
    lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  const tsc = (program: string): string => {
    writeFileSync(join(folder, 'main.ts'), program);
    try {
      execFileSync(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), '--project', folder], {
        cwd: folder,
        stdio: 'pipe',
      });
      return '';
    } catch (error) {
      return String((error as { stdout: Buffer }).stdout);
    }
  };
  expect(tsc(typedProgram)).toBe('');
  expect(tsc(typedProgram.replace(`case 'unknown': return result.error.code;`, ''))).toContain('TS2366');
});
