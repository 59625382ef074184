import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** A page of a browser without a window, in a fresh profile. What is evaluated is JavaScript text, and may be a promise. */
export type BrowserPage = {
  /** Resolves when the page has loaded. */
  open(url: string): Promise<void>;
  reload(): Promise<void>;
  resize(width: number): Promise<void>;
  evaluate<T>(expression: string): Promise<T>;
  /** Resolves once the expression is truthy in the page, looked at with every frame; a page that reloads meanwhile is looked at again. */
  until(expression: string): Promise<void>;
  /** Presses and releases the mouse in the middle of the element, wherever that is when it is pressed. */
  click(selector: string): Promise<void>;
  close(): Promise<void>;
};

/** The path of a Chromium; null where none is installed. */
export const chromiumPath = findProgram(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']);

function findProgram(names: readonly string[]): string | null {
  const places = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => places.map((place) => join(place, name)));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
};

/** @throws {Error} when there is no Chromium here, see `chromiumPath`. */
export async function openBrowserPage(): Promise<BrowserPage> {
  if (chromiumPath === null) throw new Error('No Chromium is installed.');
  const profile = mkdtempSync(join(tmpdir(), 'paystream-browser-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const child = spawn(
    chromiumPath,
    [...flags, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
  const ended = once(child, 'exit');
  const connection = connect(child.stdio[3] as Writable, child.stdio[4] as Readable);
  const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
  const send = (method: string, params: object = {}) => connection.send(method, params, String(sessionId));
  await send('Page.enable');

  const load = async (method: string, params: object = {}) => {
    const loaded = connection.next('Page.loadEventFired');
    await send(method, params);
    await loaded;
  };
  const evaluate = async <T>(expression: string): Promise<T> => {
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(`In the page: ${JSON.stringify(answer.exceptionDetails)}`);
    return (answer.result as { value: T }).value;
  };
  const mouse = (type: string, at: { x: number; y: number }, buttons: number) =>
    send('Input.dispatchMouseEvent', { type, ...at, button: 'left', buttons, clickCount: 1 });
  return {
    evaluate,
    open: (url) => load('Page.navigate', { url }),
    reload: () => load('Page.reload'),
    async resize(width) {
      await send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: false });
    },
    async until(expression) {
      for (;;) {
        const next = connection.next('Page.loadEventFired');
        const isMet = evaluate(`new Promise((resolve) => {
          const look = () => (${expression} ? resolve(true) : requestAnimationFrame(look));
          look();
        })`).then(
          () => true,
          () => false, // the page has gone, and its expression with it
        );
        if (await isMet) return;
        await next;
      }
    },
    async click(selector) {
      const at = await evaluate<{ x: number; y: number }>(`(() => {
        const { left, top, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
        return { x: left + width / 2, y: top + height / 2 };
      })()`);
      await mouse('mouseMoved', at, 0);
      await mouse('mousePressed', at, 1);
      await mouse('mouseReleased', at, 0);
    },
    async close() {
      await connection.send('Browser.close', {});
      await ended;
      for (const pipe of child.stdio) pipe?.destroy();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The DevTools protocol over a pair of pipes: JSON texts with a NUL behind each. */
function connect(output: Writable, input: Readable) {
  const waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  const listeners = new Map<string, (() => void)[]>();
  let lastId = 0;
  let rest = '';
  const take = ({ id, method, result = {}, error }: Message) => {
    if (method !== undefined) {
      const told = listeners.get(method) ?? [];
      listeners.delete(method);
      for (const tell of told) tell();
    }
    const call = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || call === undefined) return;
    waiting.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result);
  };
  input.setEncoding('utf8').on('data', (chunk: string) => {
    const texts = (rest + chunk).split('\0');
    rest = texts.pop() ?? '';
    for (const text of texts) take(JSON.parse(text) as Message);
  });
  input.once('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The browser has ended.'));
  });
  output.on('error', () => undefined); // told by the end of the input as well
  return {
    send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
      lastId += 1;
      const id = lastId;
      output.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    /** Resolves with the next event of that name. */
    next(method: string): Promise<void> {
      return new Promise((resolve) => listeners.set(method, [...(listeners.get(method) ?? []), resolve]));
    },
  };
}
