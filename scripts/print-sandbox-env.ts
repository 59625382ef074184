// `eval "$(npm run -s sandbox:env)"`: how another process reaches the sandbox that the first one brought along, and takes its token, as
// shell exports. DATA_DIR names the first one's data directory.
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
  console.error(`No sandbox was started on ${dataDir} yet: npm start does. DATA_DIR names another directory.`);
  process.exitCode = 1;
}
