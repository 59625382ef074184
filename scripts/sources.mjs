import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Says whether the sources of a build have changed since. A build leaves a stamp with the digest of its sources: in a copy of the folder all files
 * may have new times, so a newer file is only the reason to compare contents.
 */
const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders that an installation or the code generation fills. No build reads them. */
const notSources = ['node_modules', 'dist', 'generated'];

/** True when the stamp is missing, or when a source differs from the one that was built. */
export function haveChanged(places, stamp) {
  const built = statSync(stamp, { throwIfNoEntry: false });
  if (built === undefined) return true;
  if (places.every((place) => newest(join(root, place)) <= built.mtimeMs)) return false;
  return readFileSync(stamp, 'utf8') !== digestOf(places);
}

/** The digest of the names and contents of these files and folders. */
export function digestOf(places) {
  const hash = createHash('sha256');
  for (const path of places.flatMap((place) => filesIn(join(root, place)))) {
    const content = readFileSync(path);
    hash.update(`${relative(root, path).split(sep).join('/')} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** The times of folders count too: they tell that a file was removed. */
function newest(path) {
  const own = statSync(path, { throwIfNoEntry: false });
  if (own === undefined) return 0;
  return Math.max(own.mtimeMs, ...(own.isDirectory() ? namesIn(path).map((name) => newest(join(path, name))) : []));
}

function filesIn(path) {
  const own = statSync(path, { throwIfNoEntry: false });
  if (own === undefined) return [];
  return own.isDirectory() ? namesIn(path).flatMap((name) => filesIn(join(path, name))) : [path];
}

function namesIn(dir) {
  return readdirSync(dir)
    .filter((name) => !notSources.includes(name))
    .sort();
}
