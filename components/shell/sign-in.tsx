'use client'
import { type FormEvent, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Logo } from './logo.tsx'

interface Demo {
  email: string
  password: string
}

const PROBLEM: Record<number, string> = {
  401: 'This e-mail and password don’t belong together.',
  403: 'This e-mail and password don’t belong together.',
  429: 'Too many attempts. Wait a minute, then try again.',
}

/** Sign-in with e-mail and password; afterwards to where the person was going. */
export function SignIn({ next, demo }: { next: string; demo: Demo | null }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)

  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setProblem('')
    const answer = await fetch('/api/auth/sign-in/email', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    }).catch(() => null)
    if (answer?.ok) {
      // A fragment comes along by itself; a question of the lab is in it.
      window.location.assign(next + window.location.hash)
      return
    }
    setBusy(false)
    setProblem(
      answer
        ? (PROBLEM[answer.status] ?? 'Signing in did not work. Try again in a moment.')
        : 'The server can’t be reached. Check the connection and try again.',
    )
  }

  return (
    <main className="grid min-h-dvh place-items-center bg-ground p-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex flex-col items-center gap-2 text-center">
          <Logo className="size-10" />
          <h1 className="font-semibold text-xl">Sign in to Restline</h1>
          <p className="text-muted text-sm">Where every truck is, and whether its driver may still drive.</p>
        </div>
        <form
          onSubmit={submit}
          className="flex flex-col gap-4 rounded-xl border border-line bg-surface p-6 shadow-xs"
        >
          {problem && (
            <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
              {problem}
            </p>
          )}
          <TextField
            label="E-mail"
            type="email"
            name="email"
            autoComplete="username"
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <TextField
            label="Password"
            type="password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <Button type="submit" tone="primary" busy={busy}>
            Sign in
          </Button>
        </form>
        {demo && (
          <div className="mt-4 flex items-center justify-between gap-3 rounded-xl border border-line border-dashed p-4 text-sm">
            <p className="min-w-0 text-muted">
              This is the demo fleet.
              <br />
              <span className="break-all">{demo.email}</span>
            </p>
            <Button
              size="small"
              onClick={() => {
                setEmail(demo.email)
                setPassword(demo.password)
              }}
            >
              Fill in
            </Button>
          </div>
        )}
      </div>
    </main>
  )
}
