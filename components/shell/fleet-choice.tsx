'use client'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Building2 } from 'lucide-react'
import { reasonOf, useTRPC } from '../api.tsx'
import { MenuChoice, MenuSeparator } from '../ui/menu.tsx'
import { say } from '../ui/toast.tsx'
import { goToFleet } from './fleets.ts'

/** The fleets that the person may enter, where there are several; a menu mounts it when it opens. */
export function FleetChoice() {
  const trpc = useTRPC()
  const { data: fleets = [] } = useQuery(trpc.account.fleets.queryOptions())
  const enter = useMutation(
    trpc.account.enterFleet.mutationOptions({
      onSuccess: (_, { fleetId }) => goToFleet(fleetId),
      onError: (error) => say('That did not work', { detail: reasonOf(error), tone: 'danger' }),
    }),
  )
  if (fleets.length < 2) return null
  return (
    <>
      <MenuChoice
        label="Fleets"
        value={String(fleets.find(({ current }) => current)?.id)}
        onChange={(id) => enter.mutate({ fleetId: Number(id) })}
        options={fleets.map(({ id, name }) => ({
          value: String(id),
          label: name,
          icon: <Building2 aria-hidden className="size-4 shrink-0 text-faint" />,
        }))}
      />
      <MenuSeparator />
    </>
  )
}
