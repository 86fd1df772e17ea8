'use client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { KeyRound, Monitor } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { AccountView, SessionRow } from '../../server/auth/members-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { zonedDateTime } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { say } from '../ui/toast.tsx'
import { Panel, useAccountChanged } from './account-panel.tsx'
import { Connections } from './connections.tsx'
import { addPasskey } from './passkey.ts'
import { send, sentenceOf } from './send.ts'
import { TwoFactor } from './two-factor.tsx'

/** One's own account: how one signs in, and where one is signed in. */
export function AccountPage() {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.account.view.queryOptions())
  return (
    <div className="mx-auto flex w-full max-w-3xl flex-col gap-5 p-4 md:p-6">
      <h1 className="text-xl">My account</h1>
      {error ? (
        <Notice
          alert
          title="The account can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : data ? (
        <Account view={data} />
      ) : (
        <div role="status" className="flex flex-col gap-3">
          <span className="sr-only">Loading your account…</span>
          {[1, 2, 3].map((i) => (
            <Skeleton key={i} className="h-32 rounded-lg" />
          ))}
        </div>
      )}
    </div>
  )
}

function Account({ view }: { view: AccountView }) {
  return (
    <>
      <p className="-mt-3 text-muted text-sm">
        {view.name}, {view.email}
      </p>
      {view.local ? (
        <>
          <Panel
            title="Password"
            text="At least 10 characters; a few words are good. A new one ends every other session of yours."
          >
            <ChangePassword hasPassword={view.hasPassword} />
          </Panel>
          <Panel title="Second step" text="A code of an app on your phone, besides the password.">
            <TwoFactor on={view.twoFactor} />
          </Panel>
          <Panel title="Passkeys" text="Your device or a security key signs in for you, without a password.">
            <Passkeys passkeys={view.passkeys} />
          </Panel>
          {view.providers.length > 0 && (
            <Panel title="Company sign-in" text="Connect your company’s account, and it leads here too.">
              <Connections providers={view.providers} />
            </Panel>
          )}
        </>
      ) : (
        <Panel
          title="Password"
          text="You signed in by your company’s directory or provider. Your password is kept there."
        />
      )}
      <Sessions sessions={view.sessions} />
    </>
  )
}

function ChangePassword({ hasPassword }: { hasPassword: boolean }) {
  const [problem, setProblem] = useState('')
  const changed = useAccountChanged()
  const { mutate, isPending } = useMutation({
    mutationFn: (body: { currentPassword: string; newPassword: string }) =>
      send('/api/auth/change-password', body),
    onMutate: () => setProblem(''),
    onSuccess: () => {
      say('The password is changed', { detail: 'Your other sessions have ended.', tone: 'good' })
      void changed()
    },
    onError: (error) => setProblem(sentenceOf(error)),
  })
  if (!hasPassword)
    return (
      <p className="text-muted text-sm">
        You have none. “Forgot the password?” on the sign-in page makes one.
      </p>
    )
  return (
    <form
      className="flex flex-wrap items-end gap-3"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        const form = event.currentTarget
        const given = new FormData(form)
        mutate(
          { currentPassword: String(given.get('current')), newPassword: String(given.get('new')) },
          { onSuccess: () => form.reset() },
        )
      }}
    >
      <TextField
        label="Current password"
        className="max-md:w-full"
        type="password"
        name="current"
        autoComplete="current-password"
        required
        error={problem}
      />
      <TextField
        label="New password"
        className="max-md:w-full"
        type="password"
        name="new"
        autoComplete="new-password"
        minLength={10}
        required
      />
      <Button type="submit" busy={isPending}>
        Change password
      </Button>
    </form>
  )
}

function Passkeys({ passkeys }: { passkeys: AccountView['passkeys'] }) {
  const changed = useAccountChanged()
  const { fleet } = useViewer()
  const [adding, setAdding] = useState(false)
  const settle = {
    onSuccess: () => void changed(),
    onError: (error: unknown) =>
      say('That did not work', { detail: sentenceOf(error), tone: 'danger' as const }),
  }
  const add = useMutation({
    mutationFn: addPasskey,
    ...settle,
    onSuccess: () => {
      setAdding(false)
      say('The passkey is ready', { tone: 'good' })
      void changed()
    },
  })
  const remove = useMutation({
    mutationFn: (id: string) => send('/api/auth/passkey/delete-passkey', { id }),
    ...settle,
  })
  return (
    <>
      {passkeys.length > 0 && (
        <ul aria-label="Passkeys" className="flex flex-col divide-y divide-line">
          {passkeys.map(({ id, name, createdAt }) => (
            <li key={id} className="flex items-center gap-3 py-2">
              <KeyRound aria-hidden className="size-4 text-faint" />
              <span className="min-w-0 wrap-anywhere flex-1 text-sm">{name}</span>
              {createdAt !== null && (
                <span className="text-faint text-xs max-md:hidden">
                  since {zonedDateTime(createdAt, fleet.timeZone)}
                </span>
              )}
              <Button
                size="small"
                aria-label={`Remove ${name}`}
                busy={remove.isPending}
                onClick={() => remove.mutate(id)}
              >
                Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Button className="self-start" onClick={() => setAdding(true)}>
        Add a passkey
      </Button>
      <Dialog
        open={adding}
        onOpenChange={setAdding}
        title="Add a passkey"
        description="Its name helps you to tell your keys apart."
      >
        <form
          className="flex flex-col gap-4 p-5"
          onSubmit={(event: FormEvent<HTMLFormElement>) => {
            event.preventDefault()
            add.mutate(String(new FormData(event.currentTarget).get('name')))
          }}
        >
          <TextField
            label="Name"
            name="name"
            maxLength={60}
            required
            placeholder="Office laptop"
            autoComplete="off"
          />
          <div className="flex justify-end gap-2">
            <Button onClick={() => setAdding(false)}>Cancel</Button>
            <Button type="submit" tone="primary" busy={add.isPending}>
              Go on
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  )
}

function Sessions({ sessions }: { sessions: readonly SessionRow[] }) {
  const trpc = useTRPC()
  const changed = useAccountChanged()
  const settle = {
    onSuccess: () => void changed(),
    onError: (error: unknown) =>
      say('That did not work', { detail: reasonOf(error), tone: 'danger' as const }),
  }
  const end = useMutation(trpc.account.endSession.mutationOptions(settle))
  const others = useMutation(trpc.account.endOthers.mutationOptions(settle))
  const everywhere = useMutation(
    trpc.account.signOutEverywhere.mutationOptions({
      ...settle,
      onSuccess: () => window.location.assign('/login'),
    }),
  )
  const { fleet } = useViewer()
  return (
    <Panel
      title="Where you are signed in"
      text="A session ends after 12 hours without use, and after 30 days in any case."
    >
      <ul aria-label="Sessions" className="flex flex-col divide-y divide-line">
        {sessions.map((session) => (
          <li key={session.id} className="flex items-center gap-3 py-2">
            <Monitor aria-hidden className="size-4 shrink-0 text-faint" />
            <div className="min-w-0 flex-1">
              <p className="wrap-anywhere text-sm">
                {browserOf(session.userAgent)}
                {session.current && (
                  <Badge tone="good" className="ml-2">
                    This one
                  </Badge>
                )}
                {session.byProvider && <Badge className="ml-2">By your company</Badge>}
              </p>
              <p className="wrap-anywhere text-faint text-xs">
                {session.address ?? 'unknown address'}, last used{' '}
                {zonedDateTime(session.usedAt, fleet.timeZone)}
              </p>
            </div>
            {!session.current && (
              <Button
                size="small"
                aria-label={`End the session of ${browserOf(session.userAgent)}`}
                busy={end.isPending && end.variables?.id === session.id}
                onClick={() => end.mutate({ id: session.id })}
              >
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        {sessions.length > 1 && (
          <Button busy={others.isPending} onClick={() => others.mutate()}>
            End all others
          </Button>
        )}
        <Button tone="danger" busy={everywhere.isPending} onClick={() => everywhere.mutate()}>
          Sign out everywhere
        </Button>
      </div>
    </Panel>
  )
}

/** "Chrome on Windows", as far as the browser says. */
function browserOf(userAgent: string | null): string {
  if (!userAgent) return 'Unknown browser'
  const browser = /Edg\//.test(userAgent)
    ? 'Edge'
    : /Firefox\//.test(userAgent)
      ? 'Firefox'
      : /Chrome\//.test(userAgent)
        ? 'Chrome'
        : /Safari\//.test(userAgent)
          ? 'Safari'
          : 'A program'
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(userAgent)?.[1]
  return system ? `${browser} on ${system.replace('Mac OS X', 'macOS')}` : browser
}
