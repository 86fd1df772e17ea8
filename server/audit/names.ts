import type { Db } from '../db/pool.ts'

/** A thing that deeds are on. */
export interface Thing {
  kind: string
  id: string
}

/** Where the things of a fleet are, and what people call them: SQL, with `t` as the thing. */
const THINGS: Record<string, { from: string; name: string }> = {
  vehicle: { from: 'vehicles t', name: 't.unit_number' },
  driver: { from: 'drivers t', name: `t.name || ' (' || t.employee_number || ')'` },
  device: { from: 'devices t', name: 't.name' },
  'device-key': { from: 'device_keys t', name: `concat_ws(' ', t.fingerprint, nullif(t.comment, ''))` },
  invitation: { from: 'invitations t', name: 't.email' },
  'sign-in-provider': { from: 'sign_in_providers t', name: 't.name' },
  export: { from: 'exports t', name: 't.file_name' },
  webhook: { from: 'webhook_endpoints t', name: 't.name' },
  'webhook-delivery': {
    from: 'webhook_deliveries t join webhook_endpoints e on e.fleet_id = t.fleet_id and e.id = t.endpoint_id',
    name: `e.name || ', ' || t.event`,
  },
  alert: {
    from: `alerts t left join vehicles v on v.fleet_id = t.fleet_id and v.id = t.vehicle_id
      left join drivers d on d.fleet_id = t.fleet_id and d.id = t.driver_id`,
    name: `concat_ws(', ', t.kind, d.name, v.unit_number)`,
  },
}
/** Fields of deeds that hold ids, and of what. */
const ID_FIELDS: Record<string, string> = {
  vehicleId: 'vehicle',
  vehicleIds: 'vehicle',
  driverId: 'driver',
  deviceId: 'device',
  deviceIds: 'device',
  keyId: 'device-key',
  rotatedFrom: 'device-key',
  providerId: 'sign-in-provider',
  endpointId: 'webhook',
  alertId: 'alert',
  personId: 'person',
  userId: 'person',
}
/** Of one deed: what names hundreds of trucks is read in the export. */
const MOST_IN_FIELDS = 50
/** Those that there are few enough of to look through by name. */
const SOUGHT = ['vehicle', 'driver', 'device', 'device-key', 'invitation', 'sign-in-provider', 'webhook']
const MOST_FOUND = 1_000

const keyOf = ({ kind, id }: Thing) => `${kind} ${id}`

/**
 * What things of a fleet are called now, by `keyOf`; those that are gone have no name here.
 * @param db behind the walls of the fleet
 * @param accounts where people's accounts are: they belong to no fleet
 */
async function namesOf(
  db: Db,
  accounts: Db,
  fleetId: number,
  things: readonly Thing[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  const ids = [
    ...new Set(things.filter(({ kind, id }) => kind in THINGS && /^\d{1,16}$/.test(id)).map(({ id }) => id)),
  ]
  const kinds = Object.keys(THINGS).filter((one) => things.some(({ kind }) => kind === one))
  if (ids.length > 0 && kinds.length > 0) {
    const { rows } = await db.query<Thing & { name: string }>(
      kinds
        .map((kind) => {
          const { from, name } = THINGS[kind]!
          return `select '${kind}' as kind, t.id::text as id, ${name} as name from ${from} where t.fleet_id = $1 and t.id = any($2::bigint[])`
        })
        .join(' union all '),
      [fleetId, ids],
    )
    for (const row of rows) names.set(keyOf(row), row.name)
  }
  const people = things.flatMap(({ kind, id }) => (kind === 'person' ? [id] : []))
  if (people.length > 0) {
    const { rows } = await accounts.query<{ id: string; name: string }>(
      'select id, name from users where id = any($1::text[])',
      [people],
    )
    for (const { id, name } of rows) names.set(keyOf({ kind: 'person', id }), name)
  }
  return names
}

/** What people call one thing of a fleet that is no person; undefined where there is none. */
export async function nameOfThing(db: Db, fleetId: number, thing: Thing): Promise<string | undefined> {
  return (await namesOf(db, db, fleetId, [thing])).get(keyOf(thing))
}

/**
 * Rows with the names of what they are on, as it is called now or as the deed itself called it, and of what stands in their fields by
 * an id.
 */
export async function withNames<
  Row extends { objectKind: string; objectId: string; before: string | null; after: string | null },
>(
  db: Db,
  accounts: Db,
  fleetId: number,
  rows: readonly Row[],
): Promise<(Row & { objectName: string | null; fieldNames: Record<string, string> })[]> {
  const thingOf = ({ objectKind, objectId }: Row) => ({ kind: objectKind, id: objectId })
  const held = rows.map(({ before, after }) => [...heldIn(before), ...heldIn(after)].slice(0, MOST_IN_FIELDS))
  const names = await namesOf(db, accounts, fleetId, [...rows.map(thingOf), ...held.flat()])
  return rows.map((row, at) => ({
    ...row,
    objectName: names.get(keyOf(thingOf(row))) ?? nameIn(row.after) ?? nameIn(row.before),
    fieldNames: Object.fromEntries(
      held[at]!.flatMap((one) => {
        const name = names.get(keyOf(one))
        return name === undefined ? [] : [[`${one.field} ${one.id}`, name]]
      }),
    ),
  }))
}

/** The things that a deed's fields name by their ids, however deep. */
function heldIn(json: string | null): (Thing & { field: string })[] {
  const found: (Thing & { field: string })[] = []
  const walk = (value: unknown, field: string) => {
    if (Array.isArray(value)) for (const one of value) walk(one, field)
    else if (value !== null && typeof value === 'object')
      for (const [name, part] of Object.entries(value)) walk(part, name)
    else if (Object.hasOwn(ID_FIELDS, field) && (typeof value === 'number' || typeof value === 'string'))
      found.push({ kind: ID_FIELDS[field]!, id: String(value), field })
  }
  if (json !== null) walk(JSON.parse(json), '')
  return found
}

function nameIn(json: string | null): string | null {
  const said: unknown = json === null ? null : JSON.parse(json)
  if (said === null || typeof said !== 'object') return null
  const { name, email } = said as { name?: unknown; email?: unknown }
  return typeof name === 'string' ? name : typeof email === 'string' ? email : null
}

/** Things of a fleet whose name has this text; parameters as `namesOf`. */
export async function thingsCalled(db: Db, accounts: Db, fleetId: number, text: string): Promise<Thing[]> {
  const { rows } = await db.query<Thing>(
    `${SOUGHT.map((kind) => {
      const { from, name } = THINGS[kind]!
      return `select '${kind}' as kind, t.id::text as id from ${from} where t.fleet_id = $1 and position(lower($2) in lower(${name})) > 0`
    }).join(' union all ')} limit ${MOST_FOUND}`,
    [fleetId, text],
  )
  const people = await accounts.query<Thing>(
    `select 'person' as kind, u.id from users u join fleet_members m on m.user_id = u.id
     where m.fleet_id = $1 and position(lower($2) in lower(u.name)) > 0 limit ${MOST_FOUND}`,
    [fleetId, text],
  )
  return [...rows, ...people.rows]
}
