// Creates the empty database cluster that first starts and tests copy: creating one takes seconds, a copy does not.
// Part of `npm run generate`. Does nothing when the installed PGlite has created it already.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterTemplateDir, initializeCluster } from '../src/database/embedded.ts';

const versionFile = `${clusterTemplateDir}.version`;

function readPgliteVersion(): string {
  const entry = fileURLToPath(import.meta.resolve('@electric-sql/pglite'));
  const manifest: { version: string } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8'));
  return manifest.version;
}

async function makeTemplate(version: string): Promise<void> {
  const partial = `${clusterTemplateDir}.${process.pid}.partial`;
  mkdirSync(dirname(partial), { recursive: true });
  await initializeCluster(partial);
  rmSync(clusterTemplateDir, { recursive: true, force: true });
  renameSync(partial, clusterTemplateDir);
  writeFileSync(versionFile, version);
}

const version = readPgliteVersion();
const isMade =
  existsSync(clusterTemplateDir) && existsSync(versionFile) && readFileSync(versionFile, 'utf8') === version;
if (!isMade) await makeTemplate(version);
