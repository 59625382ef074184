import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { projectRoot } from '../support/server-process.ts';

/** In bytes of compressed script, without the dependencies. */
const sizeMax = 15_000;

async function sizeOf(source: string): Promise<{ readonly bytes: number; readonly text: string }> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: `${projectRoot}/packages/client`, loader: 'ts' },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', write: false, logLevel: 'error' },
    packages: 'external',
    treeShaking: true,
  });
  const text = outputFiles[0]?.text ?? '';
  return { bytes: gzipSync(text, { level: 9 }).length, text };
}

test('the whole client stays below 15 kB', async () => {
  const { bytes } = await sizeOf(`export * from './src/main.ts'`);
  expect(bytes).toBeGreaterThan(2000);
  expect(bytes).toBeLessThan(sizeMax);
});

test('a page that uses one function gets that function alone', async () => {
  const { text } = await sizeOf(`import { merge } from './src/main.ts'; console.log(merge);`);
  expect(text).not.toContain('payOrder');
  expect(text.length).toBeLessThan(1000);
});
