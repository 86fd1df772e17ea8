// The doors over DATABASE_URL in a process of its own, so that its memory is nobody else's: HTTP with /metrics, phones, and trackers.
import type { AddressInfo } from 'node:net'
import { createPool } from '../db/pool.ts'
import { healthOf } from '../health.ts'
import { boundedServer } from './bounded.ts'
import { createDoor, createPhoneDoor } from './http.ts'
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
const phoneDoor = createPhoneDoor(intake)
const phones = boundedServer((req, res) => void phoneDoor.handle(req, res))
for (const one of [server, phones]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
const portOf = (one: typeof server) => (one.address() as AddressInfo).port
process.send!({ port: portOf(server), trackerPort: trackers.port, phonesPort: portOf(phones) })
process.on('disconnect', () => process.exit(0))
