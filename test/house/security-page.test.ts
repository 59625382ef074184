import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { roles } from '../../src/domain/actor.ts';
import { access } from '../../src/graphql/access.ts';

const page = readFileSync('docs/security.md', 'utf8');

describe('docs/security.md', () => {
  test('has the roles of every root field', () => {
    const [header = '', ...lines] = page
      .split('\n')
      .filter((line) => /^\| (\||Query|Mutation|Subscription)/.test(line));
    expect(header).toBe(`| | field | ${roles.join(' | ')} |`);
    const written = lines.map((line) => {
      const [, kind, field = '', ...cells] = line.split('|').map((cell) => cell.trim());
      return [`${kind}.${field.replaceAll('`', '')}`, roles.filter((_role, index) => cells[index] === 'yes')] as const;
    });
    const decided = Object.entries(access).flatMap(([kind, fields]) =>
      Object.entries(fields).map(([field, allowed]) => [`${kind}.${field}`, allowed] as const),
    );
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(decided));
    expect(written).toHaveLength(decided.length);
  });

  test('names only files that exist', () => {
    const files = [...page.matchAll(/`((?:src|test|bench)\/[\w./-]+)`/g)].map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    expect(files.length).toBeGreaterThan(10);
  });
});
