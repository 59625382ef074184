import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';

const page = readFileSync('docs/logs.md', 'utf8').replaceAll(/\s+/g, ' ');

/** The texts of all lines of level `warn` and `error`, up to what depends on the case. */
function textsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression: callee, arguments: given } = node;
      const isLine =
        ts.isPropertyAccessExpression(callee) &&
        /^(warn|error)$/.test(callee.name.text) &&
        callee.expression.getText() !== 'console';
      const last = given.at(-1);
      if (isLine || callee.getText() === 'logProviderError') {
        if (last !== undefined && ts.isStringLiteralLike(last)) texts.push(last.text.split(/[:,]/)[0] ?? '');
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts;
}

test('docs/logs.md has every line that asks for attention', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files.flatMap((file) => textsIn(`src/${file}`));
  expect(texts.length).toBeGreaterThan(30);
  expect(texts.filter((text) => !page.includes(`\`${text}`))).toEqual([]);
});
