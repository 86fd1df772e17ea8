'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { encode } from 'uqr'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { say } from '../ui/toast.tsx'
import { useAccountChanged } from './account-panel.tsx'
import { send, sentenceOf } from './send.ts'

interface Enrolment {
  totpURI: string
  backupCodes: string[]
}

const of = (error: unknown) => (error ? sentenceOf(error) : '')

type Deed = 'on' | 'off' | 'codes'

const DEEDS: Record<Deed, { title: string; path: string; submit: string }> = {
  on: { title: 'Turn the second step on', path: 'enable', submit: 'Go on' },
  off: { title: 'Turn the second step off', path: 'disable', submit: 'Turn off' },
  codes: { title: 'New backup codes', path: 'generate-backup-codes', submit: 'Make new ones' },
}

/** The second step (RFC 6238): the password first, then an app's code, and it is on. Backup codes can be made anew. */
export function TwoFactor({ on }: { on: boolean }) {
  const [deed, setDeed] = useState<Deed | null>(null)
  const [enrolment, setEnrolment] = useState<Partial<Enrolment>>({})
  const changed = useAccountChanged()
  const close = () => {
    setDeed(null)
    setEnrolment({})
    begin.reset()
    confirm.reset()
  }
  const begin = useMutation({
    mutationFn: ({ what, password }: { what: Deed; password: string }) =>
      send<Partial<Enrolment>>(`/api/auth/two-factor/${DEEDS[what].path}`, { password }),
    onSuccess: (answer, { what }) => {
      if (what !== 'off') return setEnrolment(answer)
      say('The second step is off', { tone: 'warning' })
      close()
      void changed()
    },
  })
  const confirm = useMutation({
    mutationFn: (code: string) => send('/api/auth/two-factor/verify-totp', { code }),
    onSuccess: () => {
      say('The second step is on', { tone: 'good' })
      close()
      void changed()
    },
  })
  const { totpURI, backupCodes } = enrolment
  return (
    <>
      <div className="flex flex-wrap items-center gap-3">
        <Badge tone={on ? 'good' : 'neutral'}>{on ? 'On' : 'Off'}</Badge>
        <Button onClick={() => setDeed(on ? 'off' : 'on')}>{on ? 'Turn off' : 'Turn on'}</Button>
        {on && <Button onClick={() => setDeed('codes')}>New backup codes</Button>}
      </div>
      <Dialog
        open={deed !== null}
        onOpenChange={(next) => !next && close()}
        title={DEEDS[deed ?? 'on'].title}
      >
        {totpURI && backupCodes ? (
          <Confirm
            enrolment={{ totpURI, backupCodes }}
            busy={confirm.isPending}
            problem={of(confirm.error)}
            onCode={confirm.mutate}
          />
        ) : backupCodes ? (
          <div className="flex flex-col gap-4 p-5">
            <BackupCodes codes={backupCodes} />
            <Button tone="primary" onClick={close} className="self-end">
              I have kept them
            </Button>
          </div>
        ) : (
          <form
            className="flex flex-col gap-4 p-5"
            onSubmit={(event: FormEvent<HTMLFormElement>) => {
              event.preventDefault()
              const password = String(new FormData(event.currentTarget).get('password'))
              if (deed) begin.mutate({ what: deed, password })
            }}
          >
            <TextField
              label="Your password"
              type="password"
              name="password"
              autoComplete="current-password"
              required
              error={of(begin.error)}
            />
            <Button
              type="submit"
              tone={deed === 'off' ? 'danger' : 'primary'}
              busy={begin.isPending}
              className="self-end"
            >
              {DEEDS[deed ?? 'on'].submit}
            </Button>
          </form>
        )}
      </Dialog>
    </>
  )
}

function BackupCodes({ codes }: { codes: readonly string[] }) {
  return (
    <div className="text-sm">
      <div className="flex items-start justify-between gap-3">
        <p>Keep these codes; each signs you in once when the phone is lost:</p>
        <CopyButton text={codes.join('\n')} what="the backup codes" />
      </div>
      <ul aria-label="Backup codes" className="mt-1 grid grid-cols-2 gap-x-4 font-mono text-xs">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
    </div>
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
          <p className="my-1 font-mono text-xs" data-testid="totp-secret">
            {secret.match(/.{1,4}/g)?.join(' ')}
          </p>
          <CopyButton text={secret} what="the secret" />
        </div>
      </div>
      <BackupCodes codes={backupCodes} />
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
