'use client'
import { useSubscription } from '@trpc/tanstack-react-query'
import { useEffect, useState } from 'react'
import type { DeviceMessage } from '../../server/fleet/devices-schema.ts'
import { isSignedOut, leaveToSignIn, useTRPC } from '../api.tsx'

const SHOWN = 20

/** A device's messages as they come, the newest first, as long as it is asked to watch. */
export function useWatch(id: number, on: boolean) {
  const trpc = useTRPC()
  const [messages, setMessages] = useState<readonly DeviceMessage[]>([])
  /** Before the first answer it is not known what is old. */
  const [since, setSince] = useState<number | null>(null)
  const subscription = useSubscription(
    trpc.devices.watch.subscriptionOptions(
      { id },
      {
        enabled: on,
        onData: ({ data }) => {
          if (data === null) return setSince((before) => before ?? Date.now())
          setMessages((before) =>
            before.some((message) => message.id === data.id) ? before : [data, ...before].slice(0, SHOWN),
          )
        },
        onError: (error) => isSignedOut(error) && leaveToSignIn(),
      },
    ),
  )
  useEffect(() => {
    if (!on) setSince(null)
  }, [on])
  return {
    messages,
    /** Nothing is missed from here on. */
    isListening:
      on && since !== null && subscription.status !== 'connecting' && subscription.status !== 'error',
    error: subscription.status === 'error' ? subscription.error : null,
    restart: subscription.reset,
  }
}
