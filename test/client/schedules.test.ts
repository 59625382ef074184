import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { searchOf } from '../support/search.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { type Method, runSchedule, type Schedule, type Step } from './run-schedule.ts';
import { diskKinds, faults } from './tab.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const method = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Method>('CARD') },
  { weight: 1, arbitrary: fc.constant<Method>('ALIPAY') },
);
const tab = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pay' as const), tab, method }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('payInBoth' as const), method }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('payAndKill' as const), tab, method }) },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...(['cancel', 'act', 'cut', 'stallReader', 'reloadReader', 'deliverLate'] as const))
      .map((kind) => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'sync' }) },
);
const schedule: fc.Arbitrary<Schedule> = fc.record({
  disk: fc.constantFrom(...diskKinds),
  transport: fc.constantFrom('websocket' as const, 'sse' as const),
  bufferMax: fc.constantFrom(1, 2, 1000),
  faults: fc.array(fc.constantFrom(...faults), { maxLength: 12 }),
  steps: fc.array(step, { minLength: 1, maxLength: 7 }),
});

test('lost answers, reloads, kills and two tabs: one charge, and no event missed or repeated', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (drawn) => {
      await runSchedule(app, drawn);
    }),
    { ...searchOf(25), endOnFailure: true },
  );
});

test('two tabs that pay at the same instant, before anything is stored, get one payment', async () => {
  for (const disk of diskKinds) {
    await expect(
      runSchedule(app, {
        ...{ disk, transport: 'websocket', bufferMax: 1000 },
        faults: ['unanswered', 'late', 'none'],
        steps: [{ kind: 'payInBoth', method: 'CARD' }, { kind: 'deliverLate' }, { kind: 'payInBoth', method: 'CARD' }],
      }),
    ).resolves.toBeUndefined();
  }
});

test.each(['websocket', 'sse'] as const)(
  'a page that is loaded again while events wait for it gets them: %s',
  async (transport) => {
    const pay = { kind: 'pay', tab: 1, method: 'CARD' } as const;
    const again = [{ kind: 'cancel' }, pay] as const;
    await runSchedule(app, {
      ...{ disk: 'shared', transport, bufferMax: 1000, faults: [] },
      steps: [{ kind: 'stallReader' }, pay, ...again, ...again, { kind: 'reloadReader' }, ...again],
    });
  },
);
