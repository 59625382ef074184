import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const tickMs = 10;
const pageKb = 4;
/** A backend that ends takes at most this much of its time with it uncounted. */
const sampleIntervalMs = 250;

type Stat = { readonly pid: number; readonly parent: number; readonly cpuMs: number; readonly rssKb: number };

/** Null when the process has ended. */
function statOf(pid: number): Stat | null {
  const text = readIfPresent(`/proc/${pid}/stat`);
  // The name in the second field may contain blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 22) return null;
  const field = (n: number) => Number(fields[n - 3]); // as proc(5) numbers them
  return { pid, parent: field(4), cpuMs: (field(14) + field(15)) * tickMs, rssKb: field(24) * pageKb };
}

function readIfPresent(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function allPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** A process and all its descendants. */
function treeOf(root: number): Stat[] {
  const all = allPids().flatMap((pid) => statOf(pid) ?? []);
  const inTree = new Set([root]);
  for (let size = 0; size !== inTree.size; ) {
    size = inTree.size;
    for (const { pid, parent } of all) if (inTree.has(parent)) inTree.add(pid);
  }
  return all.filter(({ pid }) => inTree.has(pid));
}

/** The CPU time of a process with its descendants so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  return treeOf(pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** The resident memory of a process with its descendants, in MB (10⁶ bytes). */
export function rssMbOf(pid: number): number {
  return (treeOf(pid).reduce((sum, { rssKb }) => sum + rssKb, 0) * 1024) / 1e6;
}

/** The highest resident memory from now until `stop`, which returns it in MB. */
export function watchRss(pid: number): { stop(): number } {
  let peakMb = rssMbOf(pid);
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, rssMbOf(pid));
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(peakMb, rssMbOf(pid));
    },
  };
}

/**
 * The CPU time that PostgreSQL's backends spend on one database, from now until `stop`, in milliseconds. The server's shared processes, such as
 * the WAL writer, are left out, because other databases use them too. Null when PostgreSQL does not run on this machine.
 */
export function watchBackends(database: string): { stop(): number | null } {
  const seen = new Map<number, { firstMs: number; lastMs: number }>();
  let isFirst = true;
  function sample(): void {
    for (const pid of allPids()) {
      if (!isBackendOf(pid, database)) continue;
      const cpuMs = statOf(pid)?.cpuMs;
      if (cpuMs === undefined) continue;
      const backend = seen.get(pid);
      // A backend that starts later has spent all its time since then.
      if (backend === undefined) seen.set(pid, { firstMs: isFirst ? cpuMs : 0, lastMs: cpuMs });
      else backend.lastMs = cpuMs;
    }
    isFirst = false;
  }
  sample();
  const timer = setInterval(sample, sampleIntervalMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      if (seen.size === 0) return null;
      return [...seen.values()].reduce((sum, { firstMs, lastMs }) => sum + lastMs - firstMs, 0);
    },
  };
}

/** A backend's title is `postgres: user database client activity`. */
function isBackendOf(pid: number, database: string): boolean {
  const title = readIfPresent(`/proc/${pid}/cmdline`);
  return title.startsWith('postgres: ') && title.split(' ').includes(database);
}
