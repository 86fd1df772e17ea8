import { headers } from 'next/headers'
import { forbidden, redirect } from 'next/navigation'
import { cache } from 'react'
import { can, ROUTES, type Route } from '../server/auth/can.ts'
import type { Person } from '../server/auth/principal.ts'
import { personOf } from '../server/auth/session.ts'

/** Who is signed in; asked once a request. */
export const viewer = cache(
  async (): Promise<Person | null> =>
    personOf(new Headers({ cookie: (await headers()).get('cookie') ?? '' })),
)

/**
 * Who is signed in and may see this page (ROUTES in server/auth/can.ts). A stranger goes to the sign-in page, and from there to
 * where they were going; somebody whose role may not see it gets a 403 that says who may.
 */
export async function signedIn(route: Route): Promise<Person> {
  const person = await viewer()
  if (!person) {
    const going = new URL((await headers()).get('x-restline-path') ?? '/', 'http://localhost')
    // Next marks its own requests for a page so.
    going.searchParams.delete('_rsc')
    const next = going.pathname + going.search
    redirect(next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`)
  }
  const action = ROUTES[route]
  if (action !== 'anyone' && !can(person.role, action)) forbidden()
  return person
}
