// A process of its own for each server that a benchmark drives: `door` is the real door over DATABASE_URL, `bare` is the
// baseline: node:http that parses the same JSON and answers 204.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPool } from '../../db/pool.ts'
import { createDoor } from '../http.ts'
import { intakeOf } from '../take.ts'

const bare: RequestListener = (req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'))
    res.writeHead(204).end()
  })
}

function door(): RequestListener {
  const pool = createPool(process.env.DATABASE_URL!, 10, 'restline_service')
  const made = createDoor(intakeOf(pool, Date.now))
  return (req, res) => {
    if (!made.handle(req, res)) res.writeHead(404).end()
  }
}

const server = createServer(process.argv[2] === 'bare' ? bare : door())
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
