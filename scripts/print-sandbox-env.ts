// `eval "$(npm run -s sandbox:env)"` sets the variables with which another process uses the sandbox and the token of a
// running server. DATA_DIR names that server's data directory.
import { existsSync } from 'node:fs';
import { developmentKeys, developmentKeysFile, keptSandboxUrl, sandboxEnvironment } from '../src/development-keys.ts';

const dataDir = process.env.DATA_DIR?.trim() || '.data';
const ownToken = process.env.DEV_API_KEY?.trim();
const sandboxUrl = keptSandboxUrl(dataDir);
if (existsSync(developmentKeysFile(dataDir)) && sandboxUrl !== null) {
  const keys = developmentKeys(dataDir);
  const environment = { ...sandboxEnvironment(keys, sandboxUrl), DEV_API_KEY: ownToken || keys.apiKey };
  for (const [name, value] of Object.entries(environment))
    console.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
} else {
  console.error(`No sandbox was started in ${dataDir} yet: run npm start first, or set DATA_DIR to another directory.`);
  process.exitCode = 1;
}
