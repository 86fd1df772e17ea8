'use client'
import Link from 'next/link'
import { type FormEvent, useEffect, useState } from 'react'
import { ROLE_NAME, type Role } from '../../server/auth/can.ts'
import { Entrance, Problem } from '../shell/entrance.tsx'
import { goToFleet } from '../shell/fleets.ts'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Refused, send, sentenceOf } from './send.ts'

interface Invitation {
  fleet: string
  email: string
  role: Role
  invitedBy: string
}

/** Accepts an invitation; its secret is in the fragment, which no server's log sees. */
export function JoinPage({ signedInAs }: { signedInAs: string | null }) {
  const [token, setToken] = useState('')
  const [invitation, setInvitation] = useState<Invitation | null>(null)
  const [problem, setProblem] = useState('')
  const [hasAccount, setHasAccount] = useState(false)
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    const found = window.location.hash.slice(1)
    setToken(found)
    send<Invitation>('/api/sign-in/invitation', { token: found }).then(setInvitation, (error) =>
      setProblem(sentenceOf(error)),
    )
  }, [])

  async function join(more: { name?: string; password?: string }) {
    setBusy(true)
    setProblem('')
    try {
      const { fleetId } = await send<{ fleetId: number }>('/api/sign-in/join', { token, ...more })
      goToFleet(fleetId)
    } catch (error) {
      setHasAccount(error instanceof Refused && error.status === 409)
      setProblem(sentenceOf(error))
      setBusy(false)
    }
  }

  if (!invitation) {
    return (
      <Entrance title="Join a fleet" text={problem ? 'This did not open.' : 'Reading the invitation…'}>
        {problem ? <Problem text={problem} /> : <Skeleton className="h-24 rounded-md" />}
      </Entrance>
    )
  }
  const { fleet, email, role, invitedBy } = invitation
  const mine = signedInAs?.toLowerCase() === email
  return (
    <Entrance title={`Join ${fleet}`} text={`${invitedBy} asks ${email} to join as ${ROLE_NAME[role]}.`}>
      <Problem text={problem} />
      {hasAccount && (
        <Link
          href={`/login?next=${encodeURIComponent('/join')}#${token}`}
          className="rounded py-0.5 text-accent text-sm hover:underline"
        >
          Sign in as {email}
        </Link>
      )}
      {mine ? (
        <Button tone="primary" busy={busy} onClick={() => void join({})}>
          Join as {email}
        </Button>
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event: FormEvent<HTMLFormElement>) => {
            event.preventDefault()
            const given = new FormData(event.currentTarget)
            void join({ name: String(given.get('name')), password: String(given.get('password')) })
          }}
        >
          <TextField label="Your name" name="name" autoComplete="name" maxLength={100} required />
          <TextField
            label="Password"
            type="password"
            name="password"
            autoComplete="new-password"
            minLength={10}
            required
            hint="At least 10 characters; a few words are good."
          />
          <Button type="submit" tone="primary" busy={busy}>
            Join
          </Button>
        </form>
      )}
    </Entrance>
  )
}
