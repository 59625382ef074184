import { expect, test } from 'vitest';
import { newToken } from '../../src/commands/api-key-token.ts';
import { withoutSecrets } from '../../src/logging/secrets.ts';

test('no character of an API key is written, whatever the key consists of', () => {
  for (let made = 0; made < 200; made += 1) {
    const token = newToken(made % 2 === 0 ? 'live' : 'test');
    const written = withoutSecrets(`the key ${token}, again`);
    expect(written).toMatch(/^the key sk_(live|test)_\[secret\], again$/);
  }
});
