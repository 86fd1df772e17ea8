'use client'
import { useRouter } from 'next/navigation'
import { useEffect } from 'react'
import { useLive } from '../live/live.tsx'
import { say } from '../ui/toast.tsx'

/** A new alert speaks up wherever the dispatcher is; many at once speak as one. */
export function AlertToasts() {
  const live = useLive()
  const router = useRouter()
  useEffect(
    () =>
      live.onNewAlerts((alerts) => {
        const [first] = alerts
        if (!first) return
        const passed = alerts.some((alert) => alert.severity === 'violation')
        const action = { label: 'Show', onPress: () => router.push('/alerts') }
        const tone = passed ? 'danger' : 'warning'
        if (alerts.length === 1)
          say(first.title, { detail: first.detail, tone, action, id: `alert-${first.id}` })
        else say(`${alerts.length} new alerts`, { detail: first.title, tone, action })
      }),
    [live, router],
  )
  return null
}
