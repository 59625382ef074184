import { readFileSync } from 'node:fs';

/** When a process began, in clock ticks since the machine did; null where there is no /proc to ask. */
export type ProcessStart = string | null;

/** Tells our process from a later one that was given the same pid. */
export function processStartOf(pid: number): ProcessStart {
  return readProcStat(pid)?.start ?? null;
}

/** Whether the process that had this pid and began then still runs. Where starts cannot be read, any process with the pid counts. */
export function isRunning(pid: number, start: ProcessStart): boolean {
  if (!hasProcess(pid)) return false;
  const stat = readProcStat(pid);
  if (stat === null) return true;
  if (stat.state === 'Z' || stat.state === 'X') return false; // dead, only not buried by its parent
  return start === null || start === stat.start;
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing, only asks
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH'); // EPERM: somebody else's, but there
  }
}

function readProcStat(pid: number): { readonly state: string; readonly start: string } | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold spaces, so fields are counted after it: 3 is state, 22 is starttime.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[22 - 3]];
    return state === undefined || start === undefined ? null : { state, start };
  } catch {
    return null; // no /proc here, or the process has just ended
  }
}
