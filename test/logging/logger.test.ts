import { expect, test } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { secretFields } from '../../src/logging/secrets.ts';

function linesOf(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger('info', { write: (line) => void lines.push(line) }));
  expect(lines.join('')).not.toContain('hidden');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.each([...secretFields])('the field %s is redacted, and its neighbours are not', (field) => {
  const given = { orderId: 'ord_1', [field]: 'hidden-1', call: { path: '/v1', [field]: ['hidden-2'] } };
  const [line] = linesOf((log) => log.info(given, 'made'));
  expect(line).toMatchObject({
    ...{ orderId: 'ord_1', [field]: '[redacted]', call: { path: '/v1', [field]: '[redacted]' }, msg: 'made' },
  });
  expect(given.call[field]).toEqual(['hidden-2']); // the caller keeps its object
});

test('an error is logged by its own fields alone', () => {
  const error = Object.assign(new Error('It failed.'), { code: 'E1', body: 'hidden', headers: { token: 'hidden' } });
  const [line] = linesOf((log) => log.warn({ err: error, orderId: 'ord_1' }, 'failed'));
  expect(line).toMatchObject({ err: { type: 'Error', message: 'It failed.', code: 'E1' }, orderId: 'ord_1' });
});
