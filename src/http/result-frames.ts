/** The results of one operation, with the beginning of their messages. */
type Batch = { readonly id: string; readonly beginning: Buffer; readonly results: Buffer[] };

const finalText = 0x81; // FIN and the opcode of a text
const messageEnd = '}';

/**
 * Results on their way to one socket, as the `next` messages of graphql-transport-ws in WebSocket frames of a server (RFC 6455, section 5.2).
 *
 * The same results go to thousands of sockets. Their bytes are copied into one buffer for each socket, which takes a fraction of the time of encoding
 * each text for each socket and of handing it to the system by itself.
 */
export class ResultFrames {
  readonly #batches: Batch[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** @param result the JSON of a result in UTF-8. */
  add(operationId: string, result: Buffer): void {
    let batch = this.#batches.at(-1);
    if (batch?.id !== operationId) {
      const beginning = Buffer.from(`{"id":${JSON.stringify(operationId)},"type":"next","payload":`);
      batch = { id: operationId, beginning, results: [] };
      this.#batches.push(batch);
    }
    batch.results.push(result);
    this.#byteLength += frameLengthOf(messageLengthOf(batch.beginning, result));
  }

  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#byteLength);
    let at = 0;
    for (const { beginning, results } of this.#batches) {
      for (const result of results) {
        at = writeHeader(bytes, at, messageLengthOf(beginning, result));
        bytes.set(beginning, at);
        bytes.set(result, at + beginning.length);
        at += beginning.length + result.length;
        at += bytes.write(messageEnd, at, 'latin1');
      }
    }
    return bytes;
  }
}

function messageLengthOf(beginning: Buffer, result: Buffer): number {
  return beginning.length + result.length + messageEnd.length;
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
