import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import iconv from 'iconv-lite';
import { ZipFile } from 'yazl';

const charactersAtOnce = 65_536;

/** Writes the bill as an archive in Alipay's format. */
export async function writeBill(dir: string, text: Iterable<string>): Promise<string> {
  const path = join(dir, 'bill.zip');
  const zip = new ZipFile();
  zip.addReadStream(Readable.from(gbkOf(text), { objectMode: false }), '20880000000000010156_业务明细.csv');
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  return path;
}

function* gbkOf(text: Iterable<string>): Generator<Buffer> {
  let some = '';
  for (const piece of text) {
    some += piece;
    if (some.length < charactersAtOnce) continue;
    yield iconv.encode(some, 'gbk');
    some = '';
  }
  yield iconv.encode(some, 'gbk');
}

/** The part of Alipay's API that a reconciliation without missing lines uses: a signed link and the file. */
export async function serveBill(billPath: string) {
  const alipay = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = createServer((request, response) => {
    if (request.url === '/bill.zip') return void pipeline(createReadStream(billPath), response);
    const node = JSON.stringify({ code: '10000', msg: 'Success', bill_download_url: `${url()}/bill.zip` });
    response.setHeader('content-type', 'application/json;charset=utf-8');
    response.end(
      `{"alipay_data_dataservice_bill_downloadurl_query_response":${node},"sign":"${signed(node, alipay.privateKey)}"}`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    gateway: `${url()}/gateway.do`,
    publicKey: alipay.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    close: () => server.close(),
  };
}

function signed(text: string, key: KeyObject): string {
  return createSign('RSA-SHA256').update(text, 'utf8').sign(key, 'base64');
}
