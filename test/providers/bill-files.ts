import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import iconv from 'iconv-lite';
import type { BillLine } from '../../src/domain/reconciliation.ts';
import type { Bill } from '../../src/providers/bill.ts';
import type { BillFile } from '../../src/providers/bill-file.ts';

/** A downloaded bill in a temporary file. */
export function fileOf(bytes: Buffer): BillFile {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-test-bill-'));
  const path = join(dir, 'bill');
  writeFileSync(path, bytes);
  return { path, remove: () => rm(dir, { recursive: true, force: true }) };
}

export async function linesIn(reading: Promise<Bill>): Promise<BillLine[]> {
  const lines: BillLine[] = [];
  for await (const line of (await reading).lines) lines.push(line);
  return lines;
}

/** A ZIP of GBK files in Alipay's format, whose names are GBK without a flag; or with flagged UTF-8 names. */
export function zipOf(files: Readonly<Record<string, string>>, namesIn: 'gbk' | 'utf8' = 'gbk'): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [fileName, text] of Object.entries(files)) {
    const name = iconv.encode(fileName, namesIn);
    const content = iconv.encode(text, 'gbk');
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(namesIn === 'utf8' ? 0x800 : 0, 2);
    common.writeUInt16LE(8, 4); // deflated
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, rest, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end]);
}
