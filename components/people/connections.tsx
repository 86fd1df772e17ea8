'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { AccountView } from '../../server/auth/members-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { say } from '../ui/toast.tsx'
import { useAccountChanged } from './account-panel.tsx'
import { send, sentenceOf } from './send.ts'

type Provider = AccountView['providers'][number]

/** The fleet's providers, and which of them lead to this account. */
export function Connections({ providers }: { providers: readonly Provider[] }) {
  const trpc = useTRPC()
  const changed = useAccountChanged()
  const { fleet } = useViewer()
  const [asking, setAsking] = useState<Provider | null>(null)
  const failed = (detail: string) => say('That did not work', { detail, tone: 'danger' })
  const disconnect = useMutation(
    trpc.account.disconnect.mutationOptions({
      onSuccess: () => void changed(),
      onError: (error) => failed(reasonOf(error)),
    }),
  )
  const connect = useMutation({
    mutationFn: async ({ provider, ...who }: { provider: Provider; user?: string; password?: string }) => {
      const body = { fleet: fleet.slug, provider: provider.id, connect: true }
      if (provider.kind === 'ldap') return await send('/api/sign-in/directory', { ...body, ...who })
      const { url } = await send<{ url: string }>('/api/sign-in/begin', { ...body, next: '/account' })
      window.location.assign(url)
    },
    onSuccess: () => {
      setAsking(null)
      void changed()
    },
    onError: (error) => failed(sentenceOf(error)),
  })
  return (
    <ul aria-label="Company sign-in" className="flex flex-col divide-y divide-line">
      {providers.map((provider) => (
        <li key={provider.id} className="flex items-center gap-3 py-2">
          <span className="min-w-0 wrap-anywhere flex-1 text-sm">{provider.name}</span>
          {provider.connected && <Badge tone="good">Connected</Badge>}
          {provider.connected ? (
            <Button
              size="small"
              busy={disconnect.isPending}
              onClick={() => disconnect.mutate({ id: provider.id })}
            >
              Disconnect
            </Button>
          ) : (
            <Button
              size="small"
              busy={connect.isPending}
              onClick={() => (provider.kind === 'ldap' ? setAsking(provider) : connect.mutate({ provider }))}
            >
              Connect
            </Button>
          )}
        </li>
      ))}
      <Dialog
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={`Connect ${asking?.name ?? ''}`}
      >
        <form
          className="flex flex-col gap-4 p-5"
          onSubmit={(event: FormEvent<HTMLFormElement>) => {
            event.preventDefault()
            const given = new FormData(event.currentTarget)
            if (asking)
              connect.mutate({
                provider: asking,
                user: String(given.get('user')),
                password: String(given.get('password')),
              })
          }}
        >
          <TextField label="User name there" name="user" autoComplete="off" required />
          <TextField label="Password there" type="password" name="password" autoComplete="off" required />
          <Button type="submit" tone="primary" busy={connect.isPending} className="self-end">
            Connect
          </Button>
        </form>
      </Dialog>
    </ul>
  )
}
