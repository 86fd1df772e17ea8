// The load beside the server, in a process of its own: requests are made once and only their times change, so that the
// generator takes as little of the two cores as it can.
import { createSecretKey } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { signData } from '../../auth/keys/algorithm.ts'
import { draftRequest, newNonce } from '../../auth/keys/sign-request.ts'
import { ORIGIN } from './sessions.ts'

export interface LoadDevice {
  name: string
  token: string
  /** Each request is signed in this session, instead of bearing the token. The secret is base64. */
  session?: { id: string; secret: string }
}

export interface LoadOrder {
  port: number
  /** One connection each. */
  devices: readonly LoadDevice[]
  perRequest: number
  durationMs: number
  /** Epoch milliseconds; 13 digits. Every heartbeat sent gets a time of its own from here on. */
  firstFixAt: number
}

export interface LoadResult {
  heartbeats: number
  ms: number
  firstFixAt: number
}

const PLACEHOLDER = '1000000000000'

/** Makes a device's next request; `nextFixAt` gives each heartbeat its time. */
function requestsOf(device: LoadDevice, perRequest: number, nextFixAt: () => number): () => Buffer {
  const one = (i: number) =>
    JSON.stringify({
      device: device.name,
      fixTime: Number(PLACEHOLDER),
      latitude: 41.5 + i / 10_000,
      longitude: -93.6 - i / 10_000,
      speedKph: 88.5 + (i % 10),
      headingDegrees: 90 + (i % 7),
      altitudeMeters: 280 + (i % 5),
      odometerMeters: 412_345_678 + i * 25,
      ignition: true,
      sequence: 1_000 + i,
    })
  const body =
    perRequest === 1 ? one(0) : `[${Array.from({ length: perRequest }, (_, i) => one(i)).join(',')}]`
  const head =
    'POST /v1/heartbeats HTTP/1.1\r\nhost: 127.0.0.1\r\n' +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
  const { session, token } = device
  const bytes = Buffer.from(session ? body : `${head}authorization: Bearer ${token}\r\n\r\n${body}`)
  const places: number[] = []
  for (let at = bytes.indexOf(PLACEHOLDER); at >= 0; at = bytes.indexOf(PLACEHOLDER, at + 13)) places.push(at)
  const timed = () => {
    for (const place of places) bytes.write(String(nextFixAt()), place, 13, 'latin1')
    return bytes
  }
  if (!session) return timed
  const secret = createSecretKey(Buffer.from(session.secret, 'base64'))
  const identity = { kind: 'session', keyId: session.id, algorithm: 'hmac-sha256' } as const
  const request = {
    ...{ method: 'POST', target: '/v1/heartbeats' },
    headers: [['Content-Type', 'application/json']] as [string, string][],
  }
  return () => {
    const draft = draftRequest({ ...request, body: timed() }, identity, ORIGIN, Date.now(), newNonce())
    // The first of its fields stands in the head already.
    const signed = draft.headers(signData('hmac-sha256', secret, draft.base)).slice(1)
    const fields = signed.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return Buffer.concat([Buffer.from(`${head}${fields}\r\n`), bytes])
  }
}

function drive(order: LoadOrder): Promise<LoadResult> {
  let fixAt = order.firstFixAt
  let heartbeats = 0
  const startedAt = performance.now()
  const endsAt = startedAt + order.durationMs
  const one = (device: LoadOrder['devices'][number]) =>
    new Promise<void>((resolve, reject) => {
      const next = requestsOf(device, order.perRequest, () => fixAt++)
      const socket: Socket = connect(order.port, '127.0.0.1')
      socket.setNoDelay(true)
      socket.once('error', reject)
      const send = () => {
        socket.write(next())
      }
      socket.once('connect', send)
      socket.on('data', (answer) => {
        // An answer this short comes in one piece.
        const status = answer.toString('latin1', 9, 12)
        if (status !== '204' && !answer.includes(`"stored":${order.perRequest},`)) {
          reject(new Error(`unexpected answer: ${answer.toString().slice(0, 400)}`))
          return
        }
        heartbeats += order.perRequest
        if (performance.now() < endsAt) send()
        else {
          socket.destroy()
          resolve()
        }
      })
    })
  return Promise.all(order.devices.map(one)).then(() => ({
    heartbeats,
    ms: performance.now() - startedAt,
    firstFixAt: fixAt,
  }))
}

process.on('message', async (order: LoadOrder) => {
  process.send!(await drive(order))
})
process.on('disconnect', () => process.exit(0))
