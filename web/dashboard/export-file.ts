import type { OrderSort } from '../../generated/web/operations.ts';

export type ExportKind = 'orders' | 'payments' | 'refunds';

/** The filter and the order of the list that is shown. */
export type ExportVariables = { readonly filter?: object | null; readonly orderBy?: OrderSort | null };

/** The address of the list as CSV, with the conditions of the query. */
export function exportAddress(kind: ExportKind, { filter, orderBy }: ExportVariables): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter ?? {})) {
    if (value !== null && value !== undefined) parameters.set(name, String(value)); // lists get commas
  }
  if (orderBy) parameters.set('orderBy', orderBy);
  return `/exports/${kind}.csv?${parameters}`;
}

/** Why there is no file. `cut`: the answer began and did not end. `unsaved`: the disk or the browser did not take it. */
export type ExportFailure = 'signedOut' | 'busy' | 'refused' | 'unreachable' | 'cut' | 'unsaved';

export class ExportFailedError extends Error {
  readonly reason: ExportFailure;
  constructor(reason: ExportFailure, options?: ErrorOptions) {
    super(`The export failed: ${reason}.`, options);
    this.reason = reason;
  }
}

/** Where the file goes. Nothing of it stays when it is discarded. */
type Target = {
  write(part: Uint8Array<ArrayBuffer>): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
};

type FilePicker = (options: {
  readonly suggestedName: string;
  readonly types: readonly { readonly accept: Readonly<Record<string, readonly string[]>> }[];
}) => Promise<FileSystemFileHandle & { remove?(): Promise<void> }>;

/**
 * Asks the person for a file where the browser has such a dialog, so that an export of any size goes to the disk as it arrives. Other browsers
 * collect it in memory and save it as a download. Call it in the handler of a click, or the browser does not show the dialog.
 *
 * @returns null when the person has closed the dialog.
 */
export async function chooseTarget(name: string): Promise<Target | null> {
  const { showSaveFilePicker } = window as { showSaveFilePicker?: FilePicker };
  if (showSaveFilePicker === undefined) return inMemory(name);
  try {
    const handle = await showSaveFilePicker({ suggestedName: name, types: [{ accept: { 'text/csv': ['.csv'] } }] });
    const isNew = (await handle.getFile()).size === 0;
    const file = await handle.createWritable();
    return {
      write: (part) => file.write(part),
      finish: () => file.close(),
      async discard() {
        await file.abort();
        if (isNew) await handle.remove?.(); // the dialog has made an empty file; another one is as it was
      },
    };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    if (error instanceof DOMException && error.name === 'SecurityError') return inMemory(name); // a policy forbids it
    throw new ExportFailedError('unsaved', { cause: error });
  }
}

/** The address of a download may be forgotten after this time, in milliseconds: browsers have begun to read it then. */
const addressMs = 60_000;

function inMemory(name: string): Target {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  return {
    async write(part) {
      parts.push(part);
    },
    async finish() {
      const address = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }));
      const link = Object.assign(document.createElement('a'), { href: address, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), addressMs);
    },
    async discard() {
      parts.length = 0;
    },
  };
}

export type ExportRequest = {
  readonly address: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Called with the number of bytes so far. */
  readonly onProgress: (bytes: number) => void;
};

/**
 * Reads an export into a file. A part is never saved as if it were the whole.
 *
 * @throws {ExportFailedError} unless the file is complete, or the signal has ended it.
 */
export async function saveExport(target: Target, request: ExportRequest): Promise<void> {
  try {
    const body = await open(request);
    let bytes = 0;
    for (;;) {
      const { done, value } = await body.read().catch(failAs('cut'));
      if (done) break;
      await target.write(value).catch(failAs('unsaved'));
      bytes += value.byteLength;
      request.onProgress(bytes);
    }
    await target.finish().catch(failAs('unsaved'));
  } catch (error) {
    await target.discard().catch(() => undefined); // what made it fail is told
    throw error;
  }
}

async function open({ address, token, signal }: ExportRequest) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(address, { headers, signal, cache: 'no-store' }).catch(failAs('unreachable'));
  if (answer.status === 401) throw new ExportFailedError('signedOut');
  if (answer.status === 503 || answer.status === 429) throw new ExportFailedError('busy');
  if (!answer.ok || answer.body === null) throw new ExportFailedError('refused');
  return answer.body.getReader();
}

function failAs(reason: ExportFailure) {
  return (cause: unknown): never => {
    throw new ExportFailedError(reason, { cause });
  };
}
