import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { z } from 'zod';
import { RequestRefusedError } from './refusal.ts';

/** What a page may do beyond what all pages may: lists of sources by directive, added to `ownSources`. */
export type PageSources = Readonly<Record<string, readonly string[]>>;

/** The pages that people use, by the first segment of their path. All paths below it are the page's own. */
export const pageNames = ['dashboard', 'checkout', 'shop'] as const;
export type PageName = (typeof pageNames)[number];

export type PagesParts = {
  /** The folder that `scripts/build-pages.mjs` writes. */
  readonly directory: string;
  /** The pages to serve. */
  readonly names: readonly PageName[];
  /** Asked for with each page: they can change. */
  readonly sources?: Partial<Readonly<Record<PageName, () => PageSources>>>;
  /** What a page is told about this server: the content of `<meta>` elements by name. */
  readonly told?: Partial<Readonly<Record<PageName, Readonly<Record<string, string>>>>>;
};

export type Pages = {
  /** The pages that are built and served. */
  readonly names: readonly PageName[];
  /** The operations that the pages send to the API. */
  readonly documents: readonly string[];
  /** Answers the request, or returns false when the path is none of a page and none of a file of the pages. GET and HEAD only. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): boolean;
};

type Representation = { readonly coding: 'br' | 'gzip' | null; readonly bytes: Buffer; readonly etag: string };
type StoredFile = {
  readonly type: string;
  /** The uncompressed file, and its compressed copies. */
  readonly representations: readonly Representation[];
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
};
const codings = [
  ['.br', 'br'],
  ['.gz', 'gzip'],
] as const;

/** The path of the files that pages load. Their names contain a hash of their content. */
const assetsPath = '/assets/';

/** True for the paths that `Pages.serve` may answer. */
export function isPagePath(path: string): boolean {
  return path.startsWith(assetsPath) || pageNames.some((name) => isBelow(path, name));
}

function isBelow(path: string, name: PageName): boolean {
  return path === `/${name}` || path.startsWith(`/${name}/`);
}

/** No inline scripts and styles: a text that reaches a page by mistake does nothing there. */
const ownSources: PageSources = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/**
 * Serves the built pages from memory. Each page answers all paths below its own, because it shows them itself. Files with a hash in their
 * name are kept by browsers for a year; a page is asked for again each time, so a new version of the server shows its own pages at once.
 */
export function openPages({ directory, names, sources = {}, told = {} }: PagesParts): Pages {
  const files = new Map(readFiles(directory));
  for (const name of names) {
    const page = files.get(`/${name}/index.html`);
    const metas = Object.entries(told[name] ?? {});
    if (page !== undefined && metas.length > 0) files.set(`/${name}/index.html`, withMetas(page, metas));
  }
  const built = names.filter((name) => files.has(`/${name}/index.html`));
  return {
    names: built,
    documents: documentsSchema.parse(JSON.parse(plainTextOf(files.get('/documents.json')) ?? '[]')),
    serve(request, response, path) {
      if (path.startsWith(assetsPath)) {
        const file = files.get(path);
        if (file === undefined) throw new RequestRefusedError(404, 'The pages have no such file.');
        send(request, response, file, { 'cache-control': 'public, max-age=31536000, immutable' });
        return true;
      }
      const name = names.find((own) => isBelow(path, own));
      if (name === undefined) return false;
      const page = files.get(`/${name}/index.html`);
      if (page === undefined) throw notBuilt();
      send(request, response, page, {
        'cache-control': 'no-cache',
        'content-security-policy': policyOf(sources[name]?.() ?? {}),
        'cross-origin-resource-policy': 'same-origin',
      });
      return true;
    },
  };
}

const documentsSchema = z.array(z.string());

function plainTextOf(file: StoredFile | undefined): string | undefined {
  return file?.representations.find(({ coding }) => coding === null)?.bytes.toString();
}

/** The page with what it is told. It is small, so it is not compressed again. */
function withMetas({ type, representations }: StoredFile, metas: readonly (readonly [string, string])[]): StoredFile {
  const text = representations.at(-1)?.bytes.toString('utf8') ?? '';
  const added = metas.map(([name, content]) => `<meta name="${escaped(name)}" content="${escaped(content)}">`).join('');
  return { type, representations: [represent(Buffer.from(text.replace('</head>', () => `${added}</head>`)), null)] };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function represent(bytes: Buffer, coding: Representation['coding']): Representation {
  return { coding, bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"` };
}

function notBuilt(): RequestRefusedError {
  return new RequestRefusedError(
    503,
    'The pages of this server are not built. Run npm run build, and start the server again. The API is at /graphql.',
  );
}

function policyOf(more: PageSources): string {
  const names = [...new Set([...Object.keys(ownSources), ...Object.keys(more)])];
  return names
    .map((name) => {
      const all = [...(ownSources[name] ?? []), ...(more[name] ?? [])];
      const listed = all.length > 1 ? all.filter((source) => source !== "'none'") : all;
      return [name, ...listed].join(' ');
    })
    .join('; ');
}

/** All files of the directory by their paths, each with its compressed copies. Empty when the directory does not exist. */
function readFiles(directory: string): ReadonlyMap<string, StoredFile> {
  const paths = listFiles(directory);
  const isCopy = (path: string) => codings.some(([extension]) => path.endsWith(extension));
  return new Map(
    paths
      .filter((path) => !isCopy(path) && types[extname(path)] !== undefined)
      .map((path) => {
        const read = (coding: Representation['coding'], extension: string): Representation => {
          return represent(readFileSync(join(directory, path + extension)), coding);
        };
        const copies = codings.filter(([extension]) => paths.includes(path + extension));
        return [
          `/${path.split(sep).join('/')}`,
          {
            type: types[extname(path)] ?? '',
            representations: [...copies.map(([extension, coding]) => read(coding, extension)), read(null, '')],
          },
        ];
      }),
  );
}

function listFiles(directory: string): readonly string[] {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { type, representations }: StoredFile,
  headers: Readonly<Record<string, string>>,
): void {
  const chosen = chooseRepresentation(representations, request.headers['accept-encoding'] ?? '');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('vary', 'accept-encoding');
  response.setHeader('etag', chosen.etag);
  if (isKnownTo(request, chosen.etag)) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('content-type', type);
  response.setHeader('content-length', chosen.bytes.byteLength);
  if (chosen.coding !== null) response.setHeader('content-encoding', chosen.coding);
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : chosen.bytes);
}

/** The first representation, best first, that the header accepts. Without the header, the uncompressed one. */
function chooseRepresentation(representations: readonly Representation[], accepted: string): Representation {
  const weights = new Map(
    accepted.split(',').map((part) => {
      const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const [, q = '1'] = parameters.map((text) => /^q\s*=\s*([\d.]+)$/.exec(text)).find(Boolean) ?? [];
      return [coding, Number(q) || 0];
    }),
  );
  const found = representations.find(({ coding }) => coding !== null && (weights.get(coding) ?? 0) > 0);
  const plain = found ?? representations.at(-1);
  if (plain === undefined) throw new Error('A file has no representation.');
  return plain;
}

function isKnownTo({ headers }: IncomingMessage, etag: string): boolean {
  const known = headers['if-none-match']?.split(',').map((part) => part.trim().replace(/^W\//, ''));
  return known?.some((tag) => tag === etag || tag === '*') ?? false;
}
