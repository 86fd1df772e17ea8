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

/** Who is signed in; anyone else goes to the sign-in page. */
export async function signedIn(): Promise<Person> {
  const person = await viewer()
  if (!person) redirect('/login')
  return person
}
