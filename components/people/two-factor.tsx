'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { encode } from 'uqr'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { say } from '../ui/toast.tsx'
import { useAccountChanged } from './account-panel.tsx'
import { Refused, send, sentenceOf } from './send.ts'

interface Enrolment {
  totpURI: string
  backupCodes: string[]
}

const of = (error: unknown) =>
  error instanceof Refused && error.status === 400
    ? 'That is not right. Try again.'
    : error
      ? sentenceOf(error)
      : ''

/** The second step (RFC 6238): the password first, then an app's code, and it is on. */
export function TwoFactor({ on }: { on: boolean }) {
  const [open, setOpen] = useState(false)
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null)
  const changed = useAccountChanged()
  const close = () => {
    setOpen(false)
    setEnrolment(null)
  }
  const start = useMutation({
    mutationFn: (password: string) => send<Enrolment>('/api/auth/two-factor/enable', { password }),
    onSuccess: setEnrolment,
  })
  const confirm = useMutation({
    mutationFn: (code: string) => send('/api/auth/two-factor/verify-totp', { code }),
    onSuccess: () => {
      say('The second step is on', { tone: 'good' })
      close()
      void changed()
    },
  })
  const stop = useMutation({
    mutationFn: (password: string) => send('/api/auth/two-factor/disable', { password }),
    onSuccess: () => {
      say('The second step is off', { tone: 'warning' })
      close()
      void changed()
    },
  })
  const withPassword = on ? stop : start
  return (
    <>
      <div className="flex items-center gap-3">
        <Badge tone={on ? 'good' : 'neutral'}>{on ? 'On' : 'Off'}</Badge>
        <Button onClick={() => setOpen(true)}>{on ? 'Turn off' : 'Turn on'}</Button>
      </div>
      <Dialog
        open={open}
        onOpenChange={(next) => (next ? setOpen(true) : close())}
        title={on ? 'Turn the second step off' : 'Turn the second step on'}
      >
        {enrolment ? (
          <Confirm
            enrolment={enrolment}
            busy={confirm.isPending}
            problem={of(confirm.error)}
            onCode={confirm.mutate}
          />
        ) : (
          <form
            className="flex flex-col gap-4 p-5"
            onSubmit={(event: FormEvent<HTMLFormElement>) => {
              event.preventDefault()
              withPassword.mutate(String(new FormData(event.currentTarget).get('password')))
            }}
          >
            <TextField
              label="Your password"
              type="password"
              name="password"
              autoComplete="current-password"
              required
              error={of(withPassword.error)}
            />
            <Button
              type="submit"
              tone={on ? 'danger' : 'primary'}
              busy={withPassword.isPending}
              className="self-end"
            >
              {on ? 'Turn off' : 'Go on'}
            </Button>
          </form>
        )}
      </Dialog>
    </>
  )
}

function Confirm({
  enrolment: { totpURI, backupCodes },
  busy,
  problem,
  onCode,
}: {
  enrolment: Enrolment
  busy: boolean
  problem: string
  onCode(code: string): void
}) {
  const secret = new URL(totpURI).searchParams.get('secret') ?? ''
  return (
    <form
      className="flex min-h-0 flex-col gap-4 overflow-auto p-5"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        onCode(String(new FormData(event.currentTarget).get('code')).trim())
      }}
    >
      <div className="flex items-center gap-4 max-md:flex-col">
        <Code text={totpURI} />
        <div className="text-sm">
          <p>Scan this with an authenticator app, or type its secret:</p>
          <p className="mt-1 break-all font-mono text-xs" data-testid="totp-secret">
            {secret}
          </p>
        </div>
      </div>
      <div className="text-sm">
        <p>Keep these codes; each signs you in once when the phone is lost:</p>
        <ul aria-label="Backup codes" className="mt-1 grid grid-cols-2 gap-x-4 font-mono text-xs">
          {backupCodes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
      </div>
      <TextField
        label="The code that the app shows"
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        error={problem}
      />
      <Button type="submit" tone="primary" busy={busy} className="self-end">
        Turn on
      </Button>
    </form>
  )
}

/** A QR code; always dark on white, so that cameras read it in either theme. */
function Code({ text }: { text: string }) {
  const { data, size } = encode(text, { border: 2 })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return (
    <svg
      role="img"
      aria-label="QR code of the secret"
      viewBox={`0 0 ${size} ${size}`}
      className="size-40 shrink-0 rounded bg-white"
    >
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  )
}
