import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ROLES } from '../auth/can.ts'
import { enrolPerson } from '../auth/people.ts'
import { closeDb, db } from '../db/pool.ts'
import { name as nameOf } from '../text-schema.ts'

const USAGE =
  'usage: npm run user -- --fleet SLUG --name "Ada Lovelace" --email ada@carrier.example [--role dispatcher]'

/** Makes a person who can sign in, or gives them a new password; the password is shown once. */
const { values } = parseArgs({
  options: {
    fleet: { type: 'string' },
    name: { type: 'string' },
    email: { type: 'string' },
    role: { type: 'string' },
  },
})
const { fleet, name, email, role } = values
const known = ROLES.find((one) => one === role)
const named = nameOf(100).safeParse(name)
if (!fleet || !name || !email?.includes('@') || (role && !known)) {
  console.error(USAGE)
  console.error(`roles: ${ROLES.join(', ')}; owner if left out`)
  process.exit(2)
}
if (!named.success) {
  console.error(`--name: ${named.error.issues[0]!.message}`)
  process.exit(2)
}
const { rows } = await db().query<{ id: number }>('select id from fleets where slug = $1', [fleet])
if (!rows[0]) {
  console.error(`there is no fleet "${fleet}"`)
  process.exit(1)
}
const password = randomBytes(12).toString('base64url')
await enrolPerson(db(), { fleetId: rows[0].id, name: named.data, email, password, role: known })
await closeDb()
console.log(`${named.data} signs in with ${email.toLowerCase()} and ${password}`)
