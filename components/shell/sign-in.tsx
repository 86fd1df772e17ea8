'use client'
import { Building2, KeyRound } from 'lucide-react'
import Link from 'next/link'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { hasPasskeys, signInWithPasskey } from '../people/passkey.ts'
import { send, sentenceOf } from '../people/send.ts'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Entrance, Problem } from './entrance.tsx'

interface Demo {
  email: string
  password: string
}

/** A fleet's own ways in. */
interface Offer {
  fleet: string
  fleetName: string
  providers: { id: number; kind: 'ldap' | 'oidc'; name: string }[]
}
type Directory = Offer['providers'][number]

interface SignInProps {
  next: string
  demo: Demo | null
  offer: Offer | null
  /** Why a provider's sign-in came back without one. */
  refused: string | null
}

const REFUSED: Record<string, string> = {
  forbidden: 'You are who you say, but your groups have no role in this fleet. Ask its admin.',
  conflict:
    'A member of the fleet has your e-mail. Sign in as before, then connect the provider under My account.',
  'too-often': 'Too many attempts. Wait a minute, then try again.',
  busy: 'Your company’s sign-in can’t be reached. Try again in a moment; an owner can sign in with e-mail and password.',
}
const UNTRUSTED = 'This sign-in can’t be trusted and was refused. Start again.'

/** For a button with a name in it: as many lines as that takes. */
const LONG = 'wrap-anywhere h-auto! min-h-9 whitespace-normal! py-1.5'

/** A fragment comes along by itself; a question of the lab is in it. */
const go = (next: string) => window.location.assign(next + window.location.hash)

/** Sign-in by the fleet's own provider or directory, or with an account of ours; afterwards to where the person was going. */
export function SignIn({ next, demo, offer, refused }: SignInProps) {
  const [directory, setDirectory] = useState<Directory | null>(null)
  const [second, setSecond] = useState<'code' | 'backup' | null>(null)
  const [problem, setProblem] = useState(refused ? (REFUSED[refused] ?? UNTRUSTED) : '')
  const [busy, setBusy] = useState('')

  /** Runs one way in; where it ends well, the page is left. */
  async function tryTo(what: string, work: () => Promise<unknown>) {
    setBusy(what)
    setProblem('')
    try {
      await work()
    } catch (error) {
      setProblem(sentenceOf(error))
      setBusy('')
    }
  }
  const toProvider = (provider: number) =>
    tryTo(`provider ${provider}`, async () => {
      const { url } = await send<{ url: string }>('/api/sign-in/begin', {
        fleet: offer?.fleet,
        provider,
        next,
      })
      window.location.assign(url)
    })

  if (second) {
    return (
      <Entrance
        title="One more step"
        text={
          second === 'code'
            ? 'Enter the code that your authenticator app shows now.'
            : 'Enter one of the backup codes that you kept. Each is good once.'
        }
      >
        <SecondStep
          key={second}
          by={second}
          problem={problem}
          busy={busy !== ''}
          tryTo={tryTo}
          onDone={() => go(next)}
          onOther={() => {
            setProblem('')
            setSecond(second === 'code' ? 'backup' : 'code')
          }}
        />
      </Entrance>
    )
  }
  return (
    <Entrance
      title="Sign in to Restline"
      text={
        offer?.providers.length
          ? offer.fleetName
          : 'Where every truck is, and whether its driver may still drive.'
      }
      below={demo && !directory && <DemoHint demo={demo} />}
    >
      <Problem text={problem} />
      {directory ? (
        <Credentials
          key="directory"
          name="User name"
          busy={busy === 'form'}
          onSubmit={(user, password) =>
            tryTo('form', async () => {
              await send('/api/sign-in/directory', {
                fleet: offer?.fleet,
                provider: directory.id,
                user,
                password,
              })
              go(next)
            })
          }
          submit={`Sign in with ${directory.name}`}
        />
      ) : (
        <Credentials
          key="local"
          name="E-mail"
          busy={busy === 'form'}
          onSubmit={(email, password) =>
            tryTo('form', async () => {
              const answer = await send<{ twoFactorRedirect?: boolean }>('/api/auth/sign-in/email', {
                email,
                password,
              })
              if (!answer?.twoFactorRedirect) return go(next)
              setSecond('code')
              setBusy('')
            })
          }
          submit="Sign in"
        >
          <Link href="/reset" className="self-start rounded py-1 text-accent text-xs hover:underline">
            Forgot the password?
          </Link>
        </Credentials>
      )}
      <Others>
        {directory ? (
          <Button onClick={() => setDirectory(null)}>With e-mail and password</Button>
        ) : (
          <>
            {offer?.providers.map((provider) => (
              <Button
                key={provider.id}
                className={LONG}
                busy={busy === `provider ${provider.id}`}
                onClick={() => {
                  setProblem('')
                  if (provider.kind === 'ldap') setDirectory(provider)
                  else void toProvider(provider.id)
                }}
              >
                <Building2 aria-hidden className="size-4 shrink-0 text-faint" />
                {provider.name}
              </Button>
            ))}
            <PasskeyButton
              busy={busy === 'passkey'}
              onClick={() =>
                tryTo('passkey', async () => {
                  await signInWithPasskey()
                  go(next)
                })
              }
            />
          </>
        )}
      </Others>
    </Entrance>
  )
}

/** The other ways in; a browser without passkeys may have none, and then there is no line above them either. */
function Others({ children }: { children: ReactNode }) {
  return <div className="flex flex-col gap-2 border-line border-t pt-4 empty:hidden">{children}</div>
}

/** Drawn after the page has come alive: only the browser knows whether it has passkeys. */
function PasskeyButton({ busy, onClick }: { busy: boolean; onClick(): void }) {
  const [there, setThere] = useState(true)
  useEffect(() => setThere(hasPasskeys()), [])
  if (!there) return null
  return (
    <Button busy={busy} onClick={onClick}>
      <KeyRound aria-hidden className="size-4 text-faint" />
      Passkey
    </Button>
  )
}

function Credentials({
  name,
  submit,
  busy,
  onSubmit,
  children,
}: {
  name: 'E-mail' | 'User name'
  submit: string
  busy: boolean
  onSubmit(name: string, password: string): void
  children?: ReactNode
}) {
  const local = name === 'E-mail'
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        const given = new FormData(event.currentTarget)
        onSubmit(String(given.get('name')), String(given.get('password')))
      }}
    >
      <TextField
        label={name}
        type={local ? 'email' : 'text'}
        name="name"
        autoComplete="username"
        required
        autoFocus={!local}
      />
      <TextField label="Password" type="password" name="password" autoComplete="current-password" required />
      {children}
      <Button type="submit" tone="primary" busy={busy} className={LONG}>
        {submit}
      </Button>
    </form>
  )
}

function SecondStep({
  by,
  problem,
  busy,
  tryTo,
  onDone,
  onOther,
}: {
  by: 'code' | 'backup'
  problem: string
  busy: boolean
  tryTo(what: string, work: () => Promise<unknown>): void
  onDone(): void
  onOther(): void
}) {
  const backup = by === 'backup'
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        const code = String(new FormData(event.currentTarget).get('code')).trim()
        tryTo('second', async () => {
          await send(`/api/auth/two-factor/verify-${backup ? 'backup-code' : 'totp'}`, { code })
          onDone()
        })
      }}
    >
      <Problem text={problem} />
      <TextField
        label={backup ? 'Backup code' : 'Code'}
        name="code"
        inputMode={backup ? 'text' : 'numeric'}
        autoComplete="one-time-code"
        required
        autoFocus
      />
      <Button type="submit" tone="primary" busy={busy}>
        Go on
      </Button>
      <Button tone="quiet" size="small" onClick={onOther}>
        {backup ? 'Use the app’s code' : 'Use a backup code'}
      </Button>
    </form>
  )
}

function DemoHint({ demo }: { demo: Demo }) {
  return (
    <div className="mt-4 flex items-center justify-between gap-3 rounded-xl border border-line border-dashed p-4 text-sm">
      <p className="min-w-0 text-muted">
        This is the demo fleet.
        <br />
        <span className="break-all">{demo.email}</span>
      </p>
      <Button
        size="small"
        onClick={() => {
          const fill = (name: string, value: string) => {
            const field = document.querySelector<HTMLInputElement>(`input[name="${name}"]`)
            if (field) field.value = value
          }
          fill('name', demo.email)
          fill('password', demo.password)
        }}
      >
        Fill in
      </Button>
    </div>
  )
}
