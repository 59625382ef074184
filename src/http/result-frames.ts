/** The results of one operation, in their sequence. */
type Batch = { readonly id: Buffer; readonly results: Buffer[] };

/** The frames of a batch, and where the id of the operation is in each of them. */
type Written = Batch & { readonly bytes: Buffer; readonly idPlaces: readonly number[] };

const finalText = 0x81; // FIN and the opcode of a text
const beforeId = Buffer.from('{"id":');
const afterId = Buffer.from(',"type":"next","payload":');
const messageEnd = Buffer.from('}');

/** Batches that differ in their results: as many groups of subscriptions as are told in turn. */
const rememberedMax = 8;

/**
 * Writes the frames of all sockets, and remembers what it has written lately for the sockets that get the same results next: if their operation
 * has the same id they get the very same bytes, and with another id of the same length a copy with that id.
 */
export class FrameWriter {
  readonly #remembered: Written[] = [];

  /** The bytes may belong to other sockets too. */
  bytesOf(batch: Batch): Buffer {
    const known = this.#remembered.find((written) => isLike(written, batch));
    if (known === undefined) return this.#write(batch);
    if (known.id.equals(batch.id)) return known.bytes;
    const bytes = Buffer.allocUnsafe(known.bytes.length);
    bytes.set(known.bytes);
    for (const place of known.idPlaces) bytes.set(batch.id, place);
    return bytes;
  }

  #write(batch: Batch): Buffer {
    const written = write(batch);
    this.#remembered.unshift(written);
    this.#remembered.length = Math.min(this.#remembered.length, rememberedMax);
    return written.bytes;
  }
}

/**
 * Results on their way to one socket, as the `next` messages of graphql-transport-ws in WebSocket frames of a server (RFC 6455, section 5.2).
 *
 * The same results go to thousands of sockets. They are written for the first one, which takes a fraction of the time of encoding each text for each
 * socket and of handing it to the system by itself.
 */
export class ResultFrames {
  readonly #writer: FrameWriter;
  readonly #batches: Batch[] = [];
  #operationId = '';
  #byteLength = 0;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** @param result the JSON of a result in UTF-8. */
  add(operationId: string, result: Buffer): void {
    let batch = this.#batches.at(-1);
    if (batch === undefined || this.#operationId !== operationId) {
      batch = { id: Buffer.from(JSON.stringify(operationId)), results: [] };
      this.#batches.push(batch);
      this.#operationId = operationId;
    }
    batch.results.push(result);
    this.#byteLength += frameLengthOf(messageLengthOf(batch.id, result));
  }

  toBytes(): Buffer {
    const pieces = this.#batches.map((batch) => this.#writer.bytesOf(batch));
    const [first = Buffer.alloc(0), ...others] = pieces;
    return others.length === 0 ? first : Buffer.concat(pieces);
  }
}

function isLike(written: Written, { id, results }: Batch): boolean {
  if (written.id.length !== id.length || written.results.length !== results.length) return false;
  return results.every((result, index) => result === written.results[index]);
}

function write({ id, results }: Batch): Written {
  const length = results.reduce((sum, result) => sum + frameLengthOf(messageLengthOf(id, result)), 0);
  const bytes = Buffer.allocUnsafe(length);
  const idPlaces: number[] = [];
  let at = 0;
  for (const result of results) {
    at = writeHeader(bytes, at, messageLengthOf(id, result));
    idPlaces.push(at + beforeId.length);
    for (const part of [beforeId, id, afterId, result, messageEnd]) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  return { id, results, bytes, idPlaces };
}

function messageLengthOf(id: Buffer, result: Buffer): number {
  return beforeId.length + id.length + afterId.length + result.length + messageEnd.length;
}

/** The length is in the second byte, in two more, or in eight more. */
function headerLengthOf(messageLength: number): 2 | 4 | 10 {
  if (messageLength < 126) return 2;
  return messageLength < 65_536 ? 4 : 10;
}

function frameLengthOf(messageLength: number): number {
  return headerLengthOf(messageLength) + messageLength;
}

/** @returns where the message begins. */
function writeHeader(bytes: Buffer, at: number, messageLength: number): number {
  const headerLength = headerLengthOf(messageLength);
  bytes[at] = finalText;
  if (headerLength === 2) bytes[at + 1] = messageLength;
  else if (headerLength === 4) {
    bytes[at + 1] = 126;
    bytes.writeUInt16BE(messageLength, at + 2);
  } else {
    bytes[at + 1] = 127;
    bytes.writeBigUInt64BE(BigInt(messageLength), at + 2);
  }
  return at + headerLength;
}
