'use client'
import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { Instant } from '../../server/time/instant.ts'
import { leaveToSignIn, useTRPC, useTRPCClient } from '../api.tsx'
import { connectLive } from './connect.ts'
import { LiveStore } from './store.ts'

const Context = createContext<LiveStore | null>(null)

/** Vehicles that are new to the fleet have no name yet, or the connection was lost before any came: look again, but not at each frame. */
const LOOK_AGAIN_MS = 10_000
const REFRESH_LEVELS_MS = 5_000

/** The live fleet for everything below: one subscription, however many components watch. */
export function LiveProvider({
  scope,
  live,
  children,
}: {
  scope: string
  /** false: the person may not see the fleet, and nothing is asked for. */
  live: boolean
  children: ReactNode
}) {
  const [store] = useState(() => new LiveStore())
  const client = useTRPCClient()
  const trpc = useTRPC()
  const vehicles = useQuery(trpc.fleet.vehicles.queryOptions(undefined, { staleTime: 60_000, enabled: live }))

  useEffect(() => {
    if (live) return connectLive(client, store, { scope, onSignedOut: leaveToSignIn })
  }, [client, store, scope, live])
  useEffect(() => {
    if (vehicles.data) store.setVehicles(vehicles.data)
  }, [store, vehicles.data])
  const { refetch } = vehicles
  useEffect(() => {
    const names = setInterval(() => {
      // One that is under way is waited for.
      if (live && store.trucks.count > store.vehicles.size) void refetch({ cancelRefetch: false })
    }, LOOK_AGAIN_MS)
    const levels = setInterval(() => store.refreshLevels(), REFRESH_LEVELS_MS)
    return () => {
      clearInterval(names)
      clearInterval(levels)
    }
  }, [store, refetch, live])

  return <Context value={store}>{children}</Context>
}

export function useLive(): LiveStore {
  const store = useContext(Context)
  if (!store) throw new Error('useLive outside of LiveProvider')
  return store
}

/** A part of the live store that keeps its identity while it does not change. */
export function useLiveValue<T>(select: (store: LiveStore) => T): T {
  const store = useLive()
  const read = () => select(store)
  return useSyncExternalStore(store.subscribe, read, read)
}

const tickers = new Map<number, { listeners: Set<() => void>; timer: ReturnType<typeof setInterval> }>()

/** Everything that ticks shares one timer for its period, so that it ticks together. */
function onTick(periodMs: number, listener: () => void): () => void {
  let ticker = tickers.get(periodMs)
  if (!ticker) {
    const listeners = new Set<() => void>()
    ticker = { listeners, timer: setInterval(() => listeners.forEach((tell) => void tell()), periodMs) }
    tickers.set(periodMs, ticker)
  }
  const { listeners, timer } = ticker
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    tickers.delete(periodMs)
  }
}

const secondly = (listener: () => void) => onTick(1_000, listener)
const leisurely = (listener: () => void) => onTick(5_000, listener)

/** The server's time, ticking each second, for clocks and ages. */
export function useNow(): Instant {
  const store = useLive()
  const read = () => Math.floor(store.now() / 1_000) * 1_000
  return useSyncExternalStore(secondly, read, () => 0)
}

/** The server's time in steps of five seconds, for orders and filters that need not dance. */
export function useSlowNow(): Instant {
  const store = useLive()
  const read = () => Math.floor(store.now() / 5_000) * 5_000
  return useSyncExternalStore(leisurely, read, () => 0)
}
