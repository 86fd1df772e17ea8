'use client'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import type { DeviceList, DeviceRow } from '../../server/fleet/devices-schema.ts'
import { useTRPC, useTRPCClient } from '../api.tsx'

const LOOK_EVERY_MS = 5_000
/** Where more than so many report between two looks, the looks are as many times further apart: a list of ten thousand weighs megabytes. */
const MANY = 500
const MOST_APART = 12

/** All devices of the fleet: read once, then only what changed. */
export function useDevices() {
  const trpc = useTRPC()
  const client = useTRPCClient()
  const whole = useQuery(trpc.devices.list.queryOptions({}, { staleTime: Number.POSITIVE_INFINITY }))
  const [held, setHeld] = useState<{ of: DeviceList; serverTime: number; rows: Map<number, DeviceRow> }>()
  const { data } = whole
  useEffect(() => {
    if (data)
      setHeld({ of: data, serverTime: data.serverTime, rows: new Map(data.rows.map((row) => [row.id, row])) })
  }, [data])
  const changes = useQuery({
    queryKey: [...trpc.devices.list.queryKey({}), 'changes'],
    queryFn: async () => {
      const news = await client.devices.list.query({ since: held!.serverTime })
      setHeld(
        (before) =>
          before && {
            of: before.of,
            serverTime: news.serverTime,
            rows:
              news.rows.length === 0
                ? before.rows
                : new Map([...before.rows, ...news.rows.map((row) => [row.id, row] as const)]),
          },
      )
      return news.rows.length
    },
    enabled: held !== undefined,
    refetchInterval: ({ state }) =>
      LOOK_EVERY_MS * Math.min(MOST_APART, Math.max(1, Math.ceil((state.data ?? 0) / MANY))),
    // The next look comes anyhow, and the page says at once that it has no connection.
    retry: false,
  })
  const rows = held?.rows
  return {
    rows: useMemo(() => (rows ? [...rows.values()] : null), [rows]),
    silentAfterMinutes: held?.of.silentAfterMinutes ?? 15,
    error: whole.error,
    /** What is shown may be old. */
    isStale: changes.isError,
    refetch: whole.refetch,
    refresh: changes.refetch,
  }
}
