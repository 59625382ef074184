// `eval "$(npm run -s sandbox:env)"`: how another process reaches the sandbox that the first one brought along, as shell exports.
// DATA_DIR names the first one's data directory, SANDBOX_PORT its sandbox's port.
import { existsSync } from 'node:fs';
import { developmentKeys, developmentKeysFile, sandboxEnvironment } from '../src/development-keys.ts';

const { DATA_DIR: dataDir = '.data', SANDBOX_PORT: port = '4100' } = process.env;
if (existsSync(developmentKeysFile(dataDir))) {
  const environment = sandboxEnvironment(developmentKeys(dataDir), `http://127.0.0.1:${port}`);
  for (const [name, value] of Object.entries(environment))
    console.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
} else {
  console.error(`There are no keys in ${dataDir} yet: npm start makes them. DATA_DIR names another directory.`);
  process.exitCode = 1;
}
