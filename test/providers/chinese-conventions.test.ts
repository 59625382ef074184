import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amountMinorMax } from '../../src/domain/money.ts';
import { beijingDay, beijingRfc3339, beijingText, instantOfBeijing } from '../../src/providers/beijing-time.ts';
import { isPairOf, readPrivateKey, readPublicKey } from '../../src/providers/pem.ts';
import { qrCode } from '../../src/providers/qr-code.ts';
import { fenOfYuan, yuanOfFen } from '../../src/providers/yuan.ts';

describe('yuan', () => {
  test('any amount comes back from its text, digit for digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: amountMinorMax }), (fen) => {
        const text = yuanOfFen(fen);
        expect(text).toMatch(/^\d+\.\d{2}$/);
        expect(fenOfYuan(text)).toBe(fen);
      }),
    );
  });

  test.each<[text: string, fen: bigint]>([
    ['28.97', 2897n], // 28.97 * 100 is 2896.9999999999995
    ['0.01', 1n],
    ['88', 8800n],
    ['88.8', 8880n],
    ['007.70', 770n],
    ['100000000.00', 10_000_000_000n],
  ])('%s are %s fen', (text, fen) => expect(fenOfYuan(text)).toBe(fen));

  test.each([
    ...['', '.5', '5.', '-1', '+1', ' 1', '1 ', '1.001', '1e3', '1,000.00', '0x10', '１.00', '٣', 'NaN', 'Infinity'],
    ...['1.0\n', '999999999999999.99', '90071992547409.92'],
  ])('%j is none', (text) => expect(() => fenOfYuan(text)).toThrow(RangeError));
});

describe('Beijing’s time', () => {
  test('is eight hours ahead, whatever the process thinks where it is', () => {
    const instant = new Date('2026-12-31T16:00:00.000Z');
    expect(beijingText(instant)).toBe('2027-01-01 00:00:00');
    expect(beijingRfc3339(instant)).toBe('2027-01-01T00:00:00+08:00');
    expect(instantOfBeijing('2027-01-01 00:00:00')).toEqual(instant);
    expect(instantOfBeijing('2027-01-01 00:00:00.25')).toEqual(new Date('2026-12-31T16:00:00.250Z'));
  });

  test('a day begins and ends at midnight there', () => {
    const { from, until } = beijingDay('2026-11-21');
    expect([from.toISOString(), until.toISOString()]).toEqual(['2026-11-20T16:00:00.000Z', '2026-11-21T16:00:00.000Z']);
  });

  test('any second comes back from its text', () => {
    const seconds = fc.integer({ min: 0, max: 4_102_444_800 });
    fc.assert(
      fc.property(seconds, (second) => {
        const instant = new Date(second * 1000);
        expect(instantOfBeijing(beijingText(instant))).toEqual(instant);
      }),
    );
  });

  test.each(['2026-02-30 00:00:00', '2026-01-01 24:00:00', '2026-01-01T00:00:00', '2026-1-1 0:0:0', '', '昨天'])(
    '%j is no instant',
    (text) => expect(() => instantOfBeijing(text)).toThrow(RangeError),
  );
});

describe('keys', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const bare = (pem: string | Buffer) =>
    String(pem)
      .replace(/-----.*-----/g, '')
      .replace(/\s/g, '');
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const pkcs1 = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const spki = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const publicPkcs1 = pair.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();

  test.each([
    ['PKCS#8 with its lines', pkcs8],
    ['PKCS#8 without', bare(pkcs8)],
    ['PKCS#1 with its lines', pkcs1],
    ['PKCS#1 without', bare(pkcs1)],
    ['line breaks written as \\n', pkcs8.replaceAll('\n', '\\n')],
    ['Windows line breaks', pkcs8.replaceAll('\n', '\r\n')],
  ])('a private key is read from %s', (_what, text) => {
    expect(readPrivateKey(text).equals(pair.privateKey)).toBe(true);
  });

  test.each([
    ['SPKI with its lines', spki],
    ['SPKI without', bare(spki)],
    ['PKCS#1 with its lines', publicPkcs1],
    ['PKCS#1 without', bare(publicPkcs1)],
  ])('a public key is read from %s', (_what, text) => {
    expect(readPublicKey(text).equals(pair.publicKey)).toBe(true);
    expect(isPairOf(readPublicKey(text), pair.privateKey)).toBe(true);
  });

  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  test.each<[string, string, RegExp]>([
    ['a public key', spki, /contains a public key/],
    ['a bare public key', bare(spki), /contains a public key/],
    ['nonsense', 'hunter2', /not a readable private key/],
    ['a short key', String(small), /2048 bits, not 1024/],
    ['a key of another kind', String(curve), /must be an RSA key, not ec/],
    ['half a key', pkcs8.slice(0, 300), /not a readable private key/],
  ])('%s is told apart from a private key, and never repeated', (_what, text, said) => {
    expect(() => readPrivateKey(text)).toThrow(said);
    expect(() => readPrivateKey(text)).not.toThrow(new RegExp(bare(text).slice(0, 40).replace(/[+/]/g, '.')));
  });

  test.each<[string, string, RegExp]>([
    ['a private key', pkcs8, /contains a private key/],
    ['a bare private key', bare(pkcs8), /contains a private key/],
    ['nonsense', 'hunter2', /not a readable public key or certificate/],
  ])('%s is told apart from a public key', (_what, text, said) => {
    expect(() => readPublicKey(text)).toThrow(said);
  });
});

test('a code to scan is shown as text and as an image that needs nothing else', () => {
  const action = qrCode('weixin://wxpay/bizpayurl?pr=abc', new Date('2026-11-25T00:00:00Z'));
  if (action.kind !== 'QR_CODE') throw new Error('It is no code.');
  expect(action.content).toBe('weixin://wxpay/bizpayurl?pr=abc');
  expect(action.expiresAt).toBe('2026-11-25T00:00:00.000Z');
  const [head, body = ''] = action.imageUri.split(',');
  expect(head).toBe('data:image/svg+xml;base64');
  expect(Buffer.from(body, 'base64').toString()).toMatch(/^<svg [\s\S]*<\/svg>$/);
});
