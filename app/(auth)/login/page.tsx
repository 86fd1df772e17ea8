import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { SignIn } from '../../../components/shell/sign-in.tsx'
import { offerFor, pathOf } from '../../../server/auth/door.ts'
import { viewer } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Sign in' }

interface Asked {
  next?: string | string[]
  /** The short name of a fleet, whose own ways in are offered. */
  fleet?: string | string[]
  refused?: string | string[]
}

const one = (value: string | string[] | undefined) => (typeof value === 'string' ? value : null)

export default async function Login({ searchParams }: { searchParams: Promise<Asked> }) {
  const asked = await searchParams
  const next = pathOf(asked.next)
  if (await viewer()) redirect(next)
  const [email, ...password] = (process.env.RESTLINE_DEMO_LOGIN ?? '').split(':')
  return (
    <SignIn
      next={next}
      demo={email ? { email, password: password.join(':') } : null}
      offer={await offerFor(one(asked.fleet))}
      refused={one(asked.refused)}
    />
  )
}
