import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Home, makeHome, runScript } from '../support/server-process.ts';

const day = ['--date', '2026-11-20'];

let home: Home;
beforeAll(async () => {
  home = await makeHome();
});

test('a day on which nothing differs ends with 0 and prints the same JSON that it saves', async () => {
  const file = join(home.dataDir, 'report.json');
  const args = ['--provider', 'stripe', ...day, '--json', '--output', file];
  const { output, code, complaint } = await runScript(home, 'reconcile', args);
  expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
  expect(output).toBe(readFileSync(file, 'utf8'));
  expect(JSON.parse(output)).toMatchObject({ provider: 'STRIPE', result: 'NO_DIFFERENCES', lines: 0, differences: [] });
});

test('a provider that is not configured ends with 1 and the names of those that are', async () => {
  expect(await runScript(home, 'reconcile', ['--provider', 'paypal', ...day])).toMatchObject({
    ...{ code: 1, output: '', complaint: expect.stringContaining('paypal is not configured. Configured: stripe') },
  });
});
