'use client'

import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { TruckStore } from './truckStore.ts'

/**
 * What `select` finds in the store, at most four times a second, and only rendered when `isEqual` says that it is
 * different. The default compares by JSON, which is right for counts and a screenful of rows.
 */
export function useTruckStore<T>(
  store: TruckStore,
  select: (store: TruckStore) => T,
  isEqual: (a: T, b: T) => boolean = sameJson,
): T {
  const kept = useRef<{ store: TruckStore; published: number; select: unknown; value: T } | null>(null)
  const read = useCallback((): T => {
    const last = kept.current
    if (last && last.store === store && last.published === store.published && last.select === select)
      return last.value
    const fresh = select(store)
    const value = last && last.store === store && isEqual(last.value, fresh) ? last.value : fresh
    kept.current = { store, published: store.published, select, value }
    return value
  }, [store, select, isEqual])
  const subscribe = useCallback((listener: () => void) => store.subscribe(listener), [store])
  return useSyncExternalStore(subscribe, read, read)
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
