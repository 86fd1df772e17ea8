// The server under test: the real doors over DATABASE_URL, HTTP on PORT and trackers on TRACKER_PORT, without the pages, which take seconds to start.
// Whoever starts it starts it again when it dies; nothing in here knows of faults.
import { createServer } from 'node:http'
import { createPool } from '../../db/pool.ts'
import { createDoor } from '../../ingest/http.ts'
import { intakeOf } from '../../ingest/take.ts'
import { listenTeltonika } from '../../ingest/teltonika/listener.ts'
import { leash } from '../../leash.ts'

const pool = createPool(process.env.DATABASE_URL!, 10, 'restline_service')
const intake = intakeOf(pool, Date.now)
const door = createDoor(intake)
const trackers = await listenTeltonika(intake, Number(process.env.TRACKER_PORT), '127.0.0.1')
const server = createServer((req, res) => {
  if (!door.handle(req, res)) res.writeHead(404).end()
})
// As server/main.ts has them.
server.headersTimeout = 15_000
server.requestTimeout = 60_000
server.keepAliveTimeout = 75_000

async function stop(): Promise<void> {
  server.close()
  await trackers.close()
  await door.close()
  process.exit(0)
}
process.once('SIGTERM', stop)
leash(stop)

server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('the door listens'))
