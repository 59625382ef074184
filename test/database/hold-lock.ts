// Started by data-dir-lock.test.ts: takes the lock of the directory it is told, says so or why not, and holds it until it is killed.
import { lockDataDir } from '../../src/database/data-dir-lock.ts';

const [dataDir = ''] = process.argv.slice(2);
try {
  lockDataDir(dataDir);
  console.log('locked');
  process.stdin.resume(); // and nothing else: killed, it releases nothing
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
}
