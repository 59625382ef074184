import { describe, expect, test } from 'vitest';
import type { Failpoint } from '../../src/domain/failpoint.ts';
import { failpoints } from '../../src/domain/failpoint.ts';
import { parseFailpoints } from '../../src/failpoints.ts';
import { runCrashes } from '../crash/crash-run.ts';
import { createTestDatabaseUrl } from '../support/database.ts';

test('every failpoint can be named, alone, with others, and at its third passing', () => {
  expect(parseFailpoints(failpoints.join(','))).toEqual(failpoints.map((name) => ({ name, passing: 1 })));
  expect(parseFailpoints('pay.called@3, refund.called')).toEqual([
    { name: 'pay.called', passing: 3 },
    { name: 'refund.called', passing: 1 },
  ]);
});

test.each(['', 'pay', 'pay.called@0', 'pay.called@x', 'pay.called,,'])('%o is no list of failpoints', (text) => {
  expect(() => parseFailpoints(text)).toThrow('is not a failpoint');
});

// The server's books are read beside it, which the embedded database allows nobody. All failpoints: `npm run prove:crashes`.
describe.runIf(process.env.DATABASE_URL)('a server that is killed', { concurrent: true }, () => {
  test.each<Failpoint>(['pay.called', 'callback.acknowledged', 'refund.answer.uncommitted', 'webhook.answered'])(
    'at %s loses nothing, charges once, brings everything to its end without a client, and posts every event in sequence',
    async (failpoint) => {
      const databaseUrl = await createTestDatabaseUrl();
      const { kills, payments, complaints } = await runCrashes(failpoint, 2, databaseUrl ?? '');
      expect({ kills, complaints }).toEqual({ kills: 2, complaints: [] });
      expect(payments).toBeGreaterThan(0);
    },
  );
});
