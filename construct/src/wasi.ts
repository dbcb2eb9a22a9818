// The part of WASI (preview 1) that a Go program needs which reads one text and writes another: it has no files, no
// arguments and no environment but what it is given. node:wasi is not used, as it ends the process with a
// segmentation fault in about one of twelve runs (Node.js 20).
import { randomFillSync } from 'node:crypto';

/** What a program left. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SUCCESS = 0;
const BAD_FILE = 8; // EBADF
const NOT_SUPPORTED = 52; // ENOSYS
const REGULAR_FILE = 4;

/** Exit ends the program from within a call. */
class Exit {
  public constructor(public readonly code: number) {}
}

/** run runs a compiled program to its end. */
export function run(module: any, stdin: string, environment: { readonly [name: string]: string }): Ended {
  const { WebAssembly } = globalThis as any;
  let memory: any;
  const view = () => new DataView(memory.buffer); // anew each time: memory that grows has another buffer
  const bytes = (at: number, length: number) => new Uint8Array(memory.buffer, at >>> 0, length >>> 0);

  let rest: Uint8Array = Buffer.from(stdin);
  const written: Uint8Array[][] = [[], [], []];

  /** vectors returns the buffers of a call that reads or writes. */
  const vectors = (at: number, count: number) => {
    const list = view();
    return Array.from({ length: count }, (_, n) => bytes(list.getUint32(at + 8 * n, true), list.getUint32(at + 8 * n + 4, true)));
  };
  /** texts writes a list of texts that end with zero: its pointers, and its content. */
  const texts = (all: string[], pointers: number, content: number) => {
    for (const text of all) {
      const encoded = Buffer.from(`${text}\0`);
      view().setUint32(pointers, content, true);
      bytes(content, encoded.length).set(encoded);
      pointers += 4;
      content += encoded.length;
    }
    return SUCCESS;
  };
  const sizes = (all: string[], count: number, size: number) => {
    view().setUint32(count, all.length, true);
    view().setUint32(size, all.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0), true);
    return SUCCESS;
  };
  const args = ['generator'];
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);

  const calls: { [name: string]: (...values: any[]) => number } = {
    sched_yield: () => SUCCESS,
    proc_exit: (code: number) => {
      throw new Exit(code);
    },
    args_sizes_get: (count, size) => sizes(args, count, size),
    args_get: (pointers, content) => texts(args, pointers, content),
    environ_sizes_get: (count, size) => sizes(variables, count, size),
    environ_get: (pointers, content) => texts(variables, pointers, content),
    clock_time_get: (clock: number, _precision: bigint, at: number) => {
      view().setBigUint64(at, clock === 0 ? BigInt(Date.now()) * BigInt(1000000) : process.hrtime.bigint(), true);
      return SUCCESS;
    },
    random_get: (at: number, length: number) => {
      randomFillSync(bytes(at, length));
      return SUCCESS;
    },
    // The program waits for time alone, and need not.
    poll_oneoff: (subscriptions: number, events: number, count: number, stored: number) => {
      bytes(events, 32 * count).fill(0);
      for (let n = 0; n < count; n++) {
        view().setBigUint64(events + 32 * n, view().getBigUint64(subscriptions + 48 * n, true), true);
        view().setUint8(events + 32 * n + 10, view().getUint8(subscriptions + 48 * n + 8));
      }
      view().setUint32(stored, count, true);
      return SUCCESS;
    },
    fd_read: (file: number, at: number, count: number, stored: number) => {
      if (file !== 0) {
        return BAD_FILE;
      }
      let size = 0;
      for (const buffer of vectors(at, count)) {
        const part = rest.subarray(0, buffer.length);
        buffer.set(part);
        rest = rest.subarray(part.length);
        size += part.length;
      }
      view().setUint32(stored, size, true);
      return SUCCESS;
    },
    fd_write: (file: number, at: number, count: number, stored: number) => {
      if (file !== 1 && file !== 2) {
        return BAD_FILE;
      }
      let size = 0;
      for (const buffer of vectors(at, count)) {
        written[file].push(buffer.slice());
        size += buffer.length;
      }
      view().setUint32(stored, size, true);
      return SUCCESS;
    },
    fd_fdstat_get: (file: number, at: number) => {
      if (file > 2) {
        return BAD_FILE;
      }
      bytes(at, 24).fill(0);
      view().setUint8(at, REGULAR_FILE);
      view().setBigUint64(at + 8, BigInt('0xffffffffffffffff'), true);
      return SUCCESS;
    },
    fd_fdstat_set_flags: () => SUCCESS,
    fd_close: () => SUCCESS,
    fd_prestat_get: () => BAD_FILE, // there are no folders
  };
  const imports: { [name: string]: (...values: any[]) => number } = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    imports[name] = calls[name] ?? (() => NOT_SUPPORTED);
  }
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
  memory = instance.exports.memory;
  let code = 0;
  try {
    instance.exports._start();
  } catch (end) {
    if (!(end instanceof Exit)) {
      throw end;
    }
    code = end.code;
  }
  const text = (parts: Uint8Array[]) => Buffer.concat(parts).toString();
  return { code, stdout: text(written[1]), stderr: text(written[2]) };
}
