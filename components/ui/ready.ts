'use client'
import { useSyncExternalStore } from 'react'

const subscribe = () => () => undefined

/** Does the page's script work yet? Until then a form would be sent by the browser itself, with its fields in the address. */
export function useReady(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => true,
    () => false,
  )
}
