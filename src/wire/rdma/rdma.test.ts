import { deepEqual, equal, fail as assertFail, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { bytesOfHex, readCaptures, readReplies } from '#test/captures/iproute2.ts'
import { type Request, encodeMessage, readMessages } from '#wire/netlink/message.ts'
import { RDMA_COMMAND, decodeRdmaDevice, encodeMoveToNetns, encodeOneDevice } from './device.ts'
import { RDMA_PORT_GET, decodeRdmaPort, encodePort } from './port.ts'
import { RDMA_SYSTEM, decodeNetnsMode, encodeNetnsMode } from './system.ts'

const NONE = new Uint8Array(0)
const ACK = 5 // request, acknowledged
const DUMP = 0x305

/** The last message of a command, and the one before it that looks the device up. */
const REQUESTS: Readonly<Record<string, Request>> = {
  'rdma dev show nosuch': { type: RDMA_COMMAND.get, flags: DUMP, payload: NONE },
  'rdma dev show mlx5_0': { type: RDMA_COMMAND.get, flags: ACK, payload: encodeOneDevice(0) },
  'rdma link show mlx5_0/1': {
    type: RDMA_PORT_GET,
    flags: ACK,
    payload: encodePort({ deviceIndex: 0, port: 1 }),
  },
  'rdma dev set mlx5_2 netns A': {
    type: RDMA_COMMAND.set,
    flags: ACK,
    payload: encodeMoveToNetns({ index: 2, netnsFd: 4 }),
  },
  'rdma system show': { type: RDMA_SYSTEM.get, flags: ACK, payload: NONE },
  'rdma system set netns exclusive': {
    type: RDMA_SYSTEM.set,
    flags: ACK,
    payload: encodeNetnsMode('exclusive'),
  },
  'rdma system set netns shared': {
    type: RDMA_SYSTEM.set,
    flags: ACK,
    payload: encodeNetnsMode('shared'),
  },
}

for (const [command, request] of Object.entries(REQUESTS)) {
  test(`a request is that of ${command}`, () => {
    const captures = readCaptures('rdma').filter((capture) => capture.command === command)
    equal(captures.length >= 2, true)
    for (const { sent } of captures) {
      const bytes = bytesOfHex(sent.at(-1) ?? '')
      const [theirs] = readMessages(bytes)
      deepEqual(encodeMessage(request, theirs?.sequence ?? 0), bytes)
    }
  })
}

const payloads = (command: string, type: number) =>
  readReplies('rdma')
    .filter((reply) => reply.command === command)
    .map(({ received }) =>
      received
        .map(bytesOfHex)
        .flatMap(readMessages)
        .filter((message) => message.type === type)
        .map(({ payload }) => payload),
    )

test('decodeRdmaDevice() reads what rdma dev show prints', () => {
  for (const found of payloads('rdma dev show', RDMA_COMMAND.get)) {
    const devices = found.map(decodeRdmaDevice)
    deepEqual(
      [...new Set(devices.map(({ name }) => name))],
      ['mlx5_0', 'mlx5_1', 'mlx5_2', 'mlx5_3'],
    )
    equal(
      devices.every(({ lastPort, rest }) => lastPort === 1 && rest.length > 0),
      true,
    )
    equal(devices[0]?.nodeGuid, '00:02:c9:03:00:00:20:00')
  }
})

test('decodeRdmaPort() reads what rdma link show prints', () => {
  // The kernel answers a port get under the number of a device get; behind the devices it is last.
  for (const found of payloads('rdma link show mlx5_0/1', RDMA_COMMAND.get)) {
    const { rest, ...port } = decodeRdmaPort(found.at(-1) ?? NONE)
    deepEqual(port, {
      deviceIndex: 0,
      device: 'mlx5_0',
      port: 1,
      lid: 2,
      state: 4,
      physicalState: 5,
      netdev: undefined,
    })
    equal(rest.length > 0, true)
  }
})

test('decodeNetnsMode() reads what rdma system show prints', () => {
  for (const found of payloads('rdma system show', RDMA_SYSTEM.get)) {
    deepEqual(found.map(decodeNetnsMode), ['shared'])
  }
})

for (const { decoder, decode, found } of [
  {
    decoder: 'decodeRdmaDevice()',
    decode: decodeRdmaDevice,
    found: payloads('rdma dev show', RDMA_COMMAND.get),
  },
  {
    decoder: 'decodeRdmaPort()',
    decode: decodeRdmaPort,
    found: payloads('rdma link show', RDMA_COMMAND.get).map((all) => all.slice(4)),
  },
  {
    decoder: 'decodeNetnsMode()',
    decode: decodeNetnsMode,
    found: payloads('rdma system show', RDMA_SYSTEM.get),
  },
]) {
  test(`${decoder} of a cut payload throws truncated or missing, or decodes less`, () => {
    const codes = ['netlink-truncated', 'netlink-attribute-missing']
    for (const payload of found.flat()) {
      for (let length = 0; length < payload.length; length++) {
        try {
          decode(payload.subarray(0, length))
        } catch (thrown) {
          if (thrown instanceof Failure && codes.includes(thrown.code)) continue
          assertFail(thrown instanceof Error ? thrown : String(thrown))
        }
      }
    }
  })
}

test('decodeRdmaDevice() names the attribute that is missing', () => {
  throws(() => decodeRdmaDevice(NONE), {
    code: 'netlink-attribute-missing',
    details: { of: 'rdma device', type: 1 },
  })
})
