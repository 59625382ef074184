import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseOpenError } from './errors.ts';
import { isRunning, type ProcessStart, processStartOf } from './process-identity.ts';

/** The holder of a lock. This is the content of the lock file, as JSON. */
type Owner = {
  readonly token: string;
  readonly pid: number;
  readonly processStart: ProcessStart;
  readonly host: string;
  /** RFC 3339. */
  readonly since: string;
};

export type DataDirLock = {
  /** May be called twice. */
  release(): void;
};

/**
 * Locks the data directory for this process, and creates the directory when it is missing. The embedded database does
 * not refuse a second process, and then loses commits of both. The lock is therefore taken before the database is
 * opened, and released after it is closed. The lock of a dead process is taken over; the lock of a process that may be
 * alive never is.
 *
 * @throws {DatabaseOpenError} at once, naming the holder.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'lock');
  const token = takeLock(path);
  return { release: () => releaseLock(path, token) };
}

function takeLock(path: string): string {
  const owner = describeThisProcess();
  if (createLock(path, owner)) return owner.token;
  refuseLiveOwner(path);
  // Two processes may find the same dead owner. The slower one must not remove the new lock of the faster one, so the
  // takeover has its own lock.
  const turnPath = `${path}.takeover`;
  const turnToken = takeLock(turnPath);
  try {
    refuseLiveOwner(path);
    rmSync(path, { force: true });
    if (createLock(path, owner)) return owner.token;
    refuseLiveOwner(path);
    throw new DatabaseOpenError(`The lock ${path} is repeatedly taken by other processes. Try again.`);
  } finally {
    releaseLock(turnPath, turnToken);
  }
}

function describeThisProcess(): Owner {
  return {
    token: randomUUID(),
    pid: process.pid,
    processStart: processStartOf(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
  };
}

/**
 * A hard link to a complete file creates the lock with its content in one step, so that nobody reads a partial file.
 */
function createLock(path: string, owner: Owner): boolean {
  const written = `${path}.${owner.token}`;
  writeFileSync(written, JSON.stringify(owner), { flag: 'wx' });
  try {
    linkSync(written, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(written);
  }
}

function refuseLiveOwner(path: string): void {
  const owner = readOwner(path);
  if (owner === null) return;
  const onThisHost = owner.host === hostname();
  if (onThisHost && !isRunning(owner.pid, owner.processStart)) return;
  const where = onThisHost ? '' : ` on host ${owner.host}`;
  throw new DatabaseOpenError(
    `The data directory is in use by process ${owner.pid}${where} since ${owner.since}: only one process may open the embedded ` +
      `database. Stop that process or set another DATA_DIR. If that process is certainly not running, remove ${path}.`,
  );
}

function readOwner(path: string): Owner | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null; // // released in the meantime
    throw error;
  }
  const owner = parseOwner(text);
  if (owner !== null) return owner;
  throw new DatabaseOpenError(
    `The file ${path} is not a lock of this program. If no other process uses the data directory, remove it.`,
  );
}

function parseOwner(text: string): Owner | null {
  try {
    const owner: Partial<Owner> | null = JSON.parse(text);
    const { token, pid, processStart, host, since } = owner ?? {};
    if (typeof token !== 'string' || typeof pid !== 'number' || typeof host !== 'string' || typeof since !== 'string')
      return null;
    return { token, pid, processStart: typeof processStart === 'string' ? processStart : null, host, since };
  } catch {
    return null;
  }
}

function releaseLock(path: string, token: string): void {
  if (readOwner(path)?.token === token) rmSync(path, { force: true });
}
