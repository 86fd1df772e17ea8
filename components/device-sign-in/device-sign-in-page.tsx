'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { reasonOf, useTRPC } from '../api.tsx'
import { SettingsTabs } from '../people/settings-tabs.tsx'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { IssuerList } from './issuer-list.tsx'
import { MethodList } from './method-list.tsx'
import { TokenNetworks } from './token-networks.tsx'

/** How a fleet's devices may prove who they are. */
export function DeviceSignInPage() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const { data, error, refetch } = useQuery(trpc.deviceSignIn.get.queryOptions())
  const changed = () => queries.invalidateQueries({ queryKey: trpc.deviceSignIn.get.queryKey() })
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-6 p-4 md:p-6">
      <SettingsTabs current="/settings/device-sign-in" />
      <h1 className="text-xl">Device sign-in</h1>
      {data ? (
        <>
          <MethodList methods={data.methods} onChanged={changed} />
          <IssuerList issuers={data.issuers} audience={data.audience} onChanged={changed} />
          <TokenNetworks restricted={data.restricted} onChanged={changed} />
        </>
      ) : error ? (
        <Notice
          alert
          title="The settings can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : (
        <div role="status">
          <span className="sr-only">Loading the settings…</span>
          <Skeleton className="h-40 rounded-lg" />
        </div>
      )}
    </div>
  )
}
