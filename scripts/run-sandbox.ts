// `npm run sandbox` runs the sandbox alone, for a server that reaches it as it reaches the providers, such as one in production mode.

import { startSandboxProcess } from '../src/development.ts';
import { developmentKeys } from '../src/development-keys.ts';

const dataDir = process.env.DATA_DIR?.trim() || '.data';
const port = Number(process.env.SANDBOX_PORT?.trim() || '4100');
const publicUrl = process.env.PUBLIC_URL?.trim() || 'http://127.0.0.1:4000';

try {
  const { url } = await startSandboxProcess({
    ...{ port, dataDir, keys: developmentKeys(dataDir), stripeWebhookUrl: `${publicUrl}/webhooks/stripe` },
    onEnd: () => process.exit(1),
  });
  console.log(`Sandbox   ${url} stands in for Stripe, Alipay and WeChat Pay: no real money
Account   npm run -s sandbox:env -- stripe > account.env     # or alipay, wechatpay: for npm run paystream -- provider add
Callbacks curl -X POST ${url}/control/webhooks -d '{"url": "<the callback URL of the account>"}'     # Stripe's`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
