'use client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Building2 } from 'lucide-react'
import { useState } from 'react'
import type { ProviderRow } from '../../server/auth/provider-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { plural } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { ProviderForm } from './provider-form.tsx'
import { Question } from './question.tsx'
import { SettingsTabs } from './settings-tabs.tsx'

export type Editing = ProviderRow | { kind: 'ldap' | 'oidc' }

/** A fleet's directories and providers. */
export function SignInSettingsPage() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const { fleet } = useViewer()
  const { data, error, refetch } = useQuery(trpc.signIn.providers.queryOptions())
  const [editing, setEditing] = useState<Editing | null>(null)
  const changed = () => void queries.invalidateQueries({ queryKey: trpc.signIn.providers.queryKey() })
  const [removing, setRemoving] = useState<ProviderRow | null>(null)
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-4 p-4 md:p-6">
      <SettingsTabs current="/settings/sign-in" />
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="flex-1 text-xl">Sign-in</h1>
        <div className="flex flex-wrap gap-2 max-md:w-full">
          <Button onClick={() => setEditing({ kind: 'ldap' })}>Add a directory (LDAP)</Button>
          <Button onClick={() => setEditing({ kind: 'oidc' })}>Add a provider (OpenID Connect)</Button>
        </div>
      </div>
      <p className="text-muted text-sm">
        People sign in with the account that they have at your company, at{' '}
        <span className="break-all font-mono text-xs">/login?fleet={fleet.slug}</span>. E-mail and password go
        on working for those who have one, also while a directory is away.
      </p>
      {error ? (
        <Notice
          alert
          title="The settings can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : !data ? (
        <div role="status">
          <span className="sr-only">Loading the settings…</span>
          <Skeleton className="h-20 rounded-lg" />
        </div>
      ) : data.length === 0 ? (
        <Notice icon={Building2} title="Nobody but us asks for a password yet">
          Add your company’s directory or provider, test it, and people sign in with what they have.
        </Notice>
      ) : (
        <ul
          aria-label="Directories and providers"
          className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
        >
          {data.map((row) => (
            <li
              key={row.id}
              className="flex items-center gap-3 p-3 max-md:flex-col max-md:items-stretch md:px-4"
            >
              <div className="min-w-0 flex-1">
                <p className="wrap-anywhere flex flex-wrap items-center gap-2 font-medium text-sm">
                  {row.name}
                  <Badge>{row.kind === 'ldap' ? 'LDAP' : 'OpenID Connect'}</Badge>
                  {!row.enabled && <Badge tone="warning">Off</Badge>}
                </p>
                <p className="wrap-anywhere text-muted text-xs">
                  {row.kind === 'ldap' ? row.settings.url : row.settings.issuer}
                </p>
                {row.callbackUrl && (
                  <p className="break-all text-faint text-xs">Comes back to {row.callbackUrl}</p>
                )}
              </div>
              <div className="flex gap-2">
                <Button size="small" aria-label={`Open ${row.name}`} onClick={() => setEditing(row)}>
                  Open and test
                </Button>
                <Button
                  size="small"
                  tone="danger"
                  aria-label={`Remove ${row.name}`}
                  onClick={() => setRemoving(row)}
                >
                  Remove
                </Button>
              </div>
            </li>
          ))}
        </ul>
      )}
      <Dialog
        open={editing !== null}
        onOpenChange={(open) => !open && setEditing(null)}
        title={editing?.kind === 'ldap' ? 'Directory (LDAP)' : 'Provider (OpenID Connect)'}
        description="Test it before you save: each step says how it went."
        className="w-[44rem]"
      >
        {editing && (
          <ProviderForm
            editing={editing}
            onDone={() => {
              setEditing(null)
              changed()
            }}
          />
        )}
      </Dialog>
      <Dialog
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Remove ${removing?.name ?? ''}?`}
        description={removing && whatEnds(removing)}
      >
        {removing && (
          <Remove
            row={removing}
            onDone={() => {
              setRemoving(null)
              changed()
            }}
            onCancel={() => setRemoving(null)}
          />
        )}
      </Dialog>
    </div>
  )
}

/** What removing it does, and to how many. */
function whatEnds({ people }: ProviderRow): string {
  if (people === 0) return 'Nobody has signed in by it yet.'
  return `${plural(people, 'person signs in', 'people sign in')} by it: they are signed out, and come back only by a way of their own, such as an e-mail and a password. What they did stays in the log.`
}

function Remove({ row, onDone, onCancel }: { row: ProviderRow; onDone(): void; onCancel(): void }) {
  const trpc = useTRPC()
  const remove = useMutation(trpc.signIn.remove.mutationOptions({ onSuccess: onDone }))
  return (
    <Question
      deed={remove}
      submit="Remove"
      tone="danger"
      onCancel={onCancel}
      onSubmit={() => remove.mutate({ id: row.id })}
    />
  )
}
