import type { Metadata } from 'next'
import { nameOfThing } from '../server/audit/names.ts'
import { can, ROUTES, type Route } from '../server/auth/can.ts'
import { inFleet } from './in-fleet.ts'
import { viewer } from './viewer.ts'

/** What the browser's tab says of a page about one thing: its name, for whoever may see the page of any of its kind. */
export async function titleOf(
  route: Route,
  kind: 'vehicle' | 'driver' | 'device',
  id: string,
  called: (name: string) => string,
  otherwise: string,
): Promise<Metadata> {
  const person = await viewer()
  const action = ROUTES[route]
  // A driver may see a page of their own, and the page itself knows which that is.
  const may = person && person.role !== 'driver' && action !== 'anyone' && can(person.role, action)
  const name = may ? await inFleet(person, (tx) => nameOfThing(tx, person.fleetId, { kind, id })) : undefined
  return { title: name === undefined ? otherwise : called(name) }
}
