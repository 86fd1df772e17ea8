import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { SignIn } from '../../../components/shell/sign-in.tsx'
import { viewer } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Sign in' }

/** Only a path of our own: a link must not lead a person who just signed in elsewhere. */
const pathOf = (next: string | string[] | undefined) =>
  typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'

export default async function Login({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>
}) {
  const next = pathOf((await searchParams).next)
  if (await viewer()) redirect(next)
  const [email, ...password] = (process.env.RESTLINE_DEMO_LOGIN ?? '').split(':')
  return <SignIn next={next} demo={email ? { email, password: password.join(':') } : null} />
}
