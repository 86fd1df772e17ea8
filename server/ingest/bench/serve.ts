// A process of its own for each server that a benchmark drives: `door` is the real door over DATABASE_URL, `bare` is the
// baseline: node:http that parses the same JSON and answers 204.
import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPool } from '../../db/pool.ts'
import { createDoor } from '../http.ts'
import { intakeOf } from '../take.ts'
import { listenTeltonika } from '../teltonika/listener.ts'
import { ORIGIN } from './sessions.ts'

const bare: RequestListener = (req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    res.writeHead(204).end()
  })
}

async function door(): Promise<{ listener: RequestListener; trackerPort: number }> {
  const url = process.env.DATABASE_URL!
  const pool = createPool(url, 10, 'restline_service')
  const secrets = [randomBytes(32).toString('base64')]
  const owner = createPool(url, 1)
  const intake = intakeOf(pool, Date.now, { publicOrigin: ORIGIN, secrets, owner })
  const made = createDoor(intake)
  const { port: trackerPort } = await listenTeltonika(intake, 0, '127.0.0.1')
  const listener: RequestListener = (req, res) => {
    if (!made.handle(req, res)) res.writeHead(404).end()
  }
  return { listener, trackerPort }
}

const { listener, trackerPort } =
  process.argv[2] === 'bare' ? { listener: bare, trackerPort: 0 } : await door()
const server = createServer(listener)
// A fleet that comes back connects at once.
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.send!({ port: (server.address() as AddressInfo).port, trackerPort }),
)
process.on('disconnect', () => process.exit(0))
