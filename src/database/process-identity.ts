import { readFileSync } from 'node:fs';

/** When a process started, in clock ticks since the machine started; null without /proc. */
export type ProcessStart = string | null;

/** The start of a process. It distinguishes the process from a later one with the same pid. */
export function processStartOf(pid: number): ProcessStart {
  return readProcStat(pid)?.start ?? null;
}

/**
 * True while the process with this pid and this start is running. When starts cannot be read, any process with the pid
 * counts.
 */
export function isRunning(pid: number, start: ProcessStart): boolean {
  if (!hasProcess(pid)) return false;
  const stat = readProcStat(pid);
  if (stat === null) return true;
  if (stat.state === 'Z' || stat.state === 'X') return false; // a zombie: ended, but not yet reaped by its parent
  return start === null || start === stat.start;
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only checks for existence
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH'); // EPERM: the process of another user exists
  }
}

function readProcStat(pid: number): { readonly state: string; readonly start: string } | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses, which may contain spaces. Fields are therefore counted after it:
    // 3 is the state, 22 is the start time.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[22 - 3]];
    return state === undefined || start === undefined ? null : { state, start };
  } catch {
    return null; // no /proc, or the process has just ended
  }
}
