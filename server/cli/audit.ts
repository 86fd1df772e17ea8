import { parseArgs } from 'node:util'
import { verifyAuditChain } from '../audit/verify.ts'
import { closeDb, db } from '../db/pool.ts'

const USAGE = 'usage: npm run audit -- --fleet SLUG [--known SEQUENCE:HASH]'

/** Checks a fleet's audit log from end to end: 0 when every row is as it was written, else 1. */
const { values } = parseArgs({ options: { fleet: { type: 'string' }, known: { type: 'string' } } })
const known = values.known === undefined ? undefined : /^(\d{1,15}):([0-9a-f]{64})$/.exec(values.known)
if (!values.fleet || known === null) {
  console.error(USAGE)
  process.exit(2)
}
const { rows } = await db().query<{ id: number }>('select id from fleets where slug = $1', [values.fleet])
if (!rows[0]) {
  console.error(`there is no fleet "${values.fleet}"`)
  process.exit(1)
}
const { broken, end } = await verifyAuditChain(
  db(),
  rows[0].id,
  known ? { sequence: Number(known[1]), hash: known[2]! } : undefined,
)
await closeDb()
if (broken) {
  console.error(`row ${broken.sequence}: ${broken.reason}`)
  process.exit(1)
}
console.log(
  end
    ? `${end.sequence} rows, unbroken. Keep this elsewhere, and give it next time: --known ${end.sequence}:${end.hash}`
    : 'nothing has been recorded yet',
)
