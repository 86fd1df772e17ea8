import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { cache } from 'react'
import type { Person } from '../server/auth/principal.ts'
import { personOf } from '../server/auth/session.ts'

/** Who is signed in; asked once a request. */
export const viewer = cache(
  async (): Promise<Person | null> =>
    personOf(new Headers({ cookie: (await headers()).get('cookie') ?? '' })),
)

/** Who is signed in; anyone else goes to the sign-in page, and from there to where they were going. */
export async function signedIn(): Promise<Person> {
  const person = await viewer()
  if (person) return person
  const going = new URL((await headers()).get('x-restline-path') ?? '/', 'http://localhost')
  // Next marks its own requests for a page so.
  going.searchParams.delete('_rsc')
  const next = going.pathname + going.search
  redirect(next === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`)
}
