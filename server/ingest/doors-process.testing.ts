// The doors over DATABASE_URL in a process of its own, so that its memory is nobody else's: HTTP with /metrics, and trackers.
import type { AddressInfo } from 'node:net'
import { createPool } from '../db/pool.ts'
import { healthOf } from '../health.ts'
import { boundedServer } from './bounded.ts'
import { createDoor } from './http.ts'
import { intakeOf } from './take.ts'
import { listenTeltonika } from './teltonika/listener.ts'

const pool = createPool(process.env.DATABASE_URL!)
const intake = intakeOf(pool, Date.now)
const door = createDoor(intake)
const health = healthOf({ pool, token: undefined, now: Date.now, detail: () => ({}) })
const trackers = await listenTeltonika(intake, 0, '127.0.0.1')
const server = boundedServer((req, res) => {
  if (!door.handle(req, res) && !health(req, res)) res.writeHead(404).end()
})
server.listen(0, '127.0.0.1', () =>
  process.send!({ port: (server.address() as AddressInfo).port, trackerPort: trackers.port }),
)
process.on('disconnect', () => process.exit(0))
