'use client'
import Link from 'next/link'
import { type FormEvent, useEffect, useState } from 'react'
import { Entrance, Problem } from '../shell/entrance.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { send, sentenceOf } from './send.ts'

/** Asks for the mail, or with the mail's secret (in the fragment, which no server sees) for the new password. */
export function ResetPage() {
  const [secret, setSecret] = useState('')
  const [done, setDone] = useState(false)
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)
  useEffect(() => setSecret(window.location.hash.slice(1)), [])

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    setBusy(true)
    setProblem('')
    try {
      if (secret)
        await send('/api/sign-in/reset/complete', { secret, password: String(given.get('password')) })
      else await send('/api/sign-in/reset', { email: String(given.get('email')) })
      setDone(true)
    } catch (error) {
      setProblem(sentenceOf(error))
    }
    setBusy(false)
  }

  if (done) {
    return (
      <Entrance
        title={secret ? 'The password is set' : 'Look into your mail'}
        text={
          secret
            ? 'Every session of yours has ended; sign in with the new password.'
            : 'If that address has an account here, a link is on its way. It is good for 30 minutes, once.'
        }
      >
        <Link href="/login" className={buttonClass('primary')}>
          To the sign-in
        </Link>
      </Entrance>
    )
  }
  return (
    <Entrance
      title={secret ? 'Choose a new password' : 'Forgot the password?'}
      text={secret ? 'At least 10 characters; a few words are good.' : 'A link to a new one comes by mail.'}
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Problem text={problem} />
        {secret ? (
          <TextField
            label="New password"
            type="password"
            name="password"
            autoComplete="new-password"
            minLength={10}
            required
          />
        ) : (
          <TextField label="E-mail" type="email" name="email" autoComplete="username" required />
        )}
        <Button type="submit" tone="primary" busy={busy}>
          {secret ? 'Set the password' : 'Send the link'}
        </Button>
        <Link href="/login" className="self-center rounded py-1 text-accent text-xs hover:underline">
          Back to the sign-in
        </Link>
      </form>
    </Entrance>
  )
}
