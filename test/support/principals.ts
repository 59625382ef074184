import { createSigningKey } from '../../src/commands/create-signing-key.ts';
import { mintToken } from '../../src/commands/mint-token.ts';
import type { TokenRole } from '../../src/domain/signing-key.ts';
import { accountParts } from './merchants.ts';
import type { TestApp } from './test-app.ts';

/** Makes tokens of people of a merchant, after creating an HS256 secret for it. */
export async function createMinter(node: TestApp, merchantId: string) {
  await createSigningKey(accountParts(node), { merchantId });
  return async (role: TokenRole, subject: string, expiresInSeconds = 3600): Promise<string> => {
    const { token } = await mintToken(accountParts(node), { merchantId, role, subject, expiresInSeconds });
    return token;
  };
}
