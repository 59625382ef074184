// `eval "$(npm run -s sandbox:env)"` sets the variables with which another process uses the sandbox and the token of a
// running server. `npm run -s sandbox:env -- stripe` prints those of one provider's account for `npm run paystream -- provider add`.
// DATA_DIR names the data directory of the sandbox.
import { existsSync } from 'node:fs';
import { developmentKeys, developmentKeysFile, keptSandboxUrl, sandboxEnvironment } from '../src/development-keys.ts';

const dataDir = process.env.DATA_DIR?.trim() || '.data';
const ownToken = process.env.DEV_API_KEY?.trim();
const sandboxUrl = keptSandboxUrl(dataDir);
const [provider] = process.argv.slice(2);
if (!existsSync(developmentKeysFile(dataDir)) || sandboxUrl === null) {
  console.error(
    `No sandbox was started in ${dataDir} yet: run npm start or npm run sandbox first, or set DATA_DIR to another directory.`,
  );
  process.exitCode = 1;
} else {
  const keys = developmentKeys(dataDir);
  const environment: Record<string, string> = sandboxEnvironment(keys, sandboxUrl);
  if (provider === undefined) printExports({ ...environment, DEV_API_KEY: ownToken || keys.apiKey });
  else printAccount(environment, provider);
}

function printExports(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment))
    console.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
}

function printAccount(environment: Readonly<Record<string, string>>, provider: string): void {
  const own = Object.entries(environment).filter(([name]) => name.startsWith(`${provider.toUpperCase()}_`));
  if (own.length === 0) {
    console.error(`There is no provider ${provider}. The providers are stripe, alipay and wechatpay.`);
    process.exitCode = 1;
  }
  for (const [name, value] of own) console.log(value.includes('"') ? `${name}='${value}'` : `${name}="${value}"`);
}
