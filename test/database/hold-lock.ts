// Started by data-dir-lock.test.ts: takes the lock of the given directory, prints the result, and holds the lock until
// it is killed.
import { lockDataDir } from '../../src/database/data-dir-lock.ts';

const [dataDir = ''] = process.argv.slice(2);
try {
  lockDataDir(dataDir);
  console.log('locked');
  process.stdin.resume(); // keeps the process alive; when killed, it releases nothing
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
