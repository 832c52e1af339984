/**
 * The agent's side of the shim's frames, for tests: decodes `request` and `ran`, encodes `run` and
 * `result`. Written from the format in `native/shim.c`, apart from the agent's own codec, so
 * that a mistake shared by shim and agent shows. Integers are little-endian.
 * @module
 */

/** Frame kinds, by the names of the format. */
export const KIND = { request: 1, ran: 2, result: 3, run: 4 } as const

/** What a shim sent to begin with; `env` holds its `CNI_*` variables as `K=V`. */
export type Request = {
  readonly pid: number
  readonly dev: bigint
  readonly ino: bigint
  readonly name: string
  readonly env: readonly string[]
  readonly stdin: string
}
export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }
export type Frame =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'ran'; readonly ran: Ran }

function u32(value: number): Buffer {
  const raw = Buffer.alloc(4)
  raw.writeInt32LE(value | 0)
  return raw
}

function str(text: string): Buffer {
  const raw = Buffer.from(text)
  return Buffer.concat([u32(raw.length), raw])
}

function frame(kind: number, ...payload: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(kind), ...payload])
  return Buffer.concat([u32(body.length), body])
}

export function encodeResult(status: number, stdout: string): Buffer {
  return frame(KIND.result, u32(status), str(stdout))
}

export function encodeRun(run: { type: string; env: readonly string[]; stdin: string }): Buffer {
  return frame(KIND.run, str(run.type), u32(run.env.length), ...run.env.map(str), str(run.stdin))
}

/** Decodes one frame without its length; throws (RangeError, Error) on what does not fit. */
export function decodeFrame(body: Buffer): Frame {
  let at = 1
  const takeU32 = (): number => body.readUInt32LE((at += 4) - 4)
  const takeU64 = (): bigint => body.readBigUInt64LE((at += 8) - 8)
  const takeStr = (): string => {
    const size = takeU32()
    if (size > body.length - at) throw new RangeError(`str of ${size} bytes at ${at}`)
    return body.toString('utf8', at, (at += size))
  }
  const whole = (decoded: Frame): Frame => {
    if (at !== body.length) throw new Error(`${body.length - at} bytes left over`)
    return decoded
  }
  if (body[0] === KIND.ran) {
    const status = takeU32() | 0
    return whole({ kind: 'ran', ran: { status, stdout: takeStr(), stderr: takeStr() } })
  }
  if (body[0] !== KIND.request) throw new Error(`frame kind ${body[0]}`)
  const head = { pid: takeU32(), dev: takeU64(), ino: takeU64(), name: takeStr() }
  const env = Array.from({ length: takeU32() }, takeStr)
  return whole({ kind: 'request', request: { ...head, env, stdin: takeStr() } })
}

/** Takes the complete frames off the front of `received`: their bodies, and what is left. */
export function splitFrames(received: Buffer): { bodies: readonly Buffer[]; rest: Buffer } {
  const bodies: Buffer[] = []
  let rest = received
  while (rest.length >= 4 && rest.length - 4 >= rest.readUInt32LE(0)) {
    const end = 4 + rest.readUInt32LE(0)
    bodies.push(rest.subarray(4, end))
    rest = rest.subarray(end)
  }
  return { bodies, rest }
}
