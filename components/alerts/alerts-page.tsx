'use client'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import {
  BellRing,
  CheckCheck,
  FileWarning,
  type LucideIcon,
  OctagonAlert,
  RadioTower,
  ShieldAlert,
  Siren,
  Timer,
} from 'lucide-react'
import Link from 'next/link'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useEffect, useMemo } from 'react'
import type { AlertKind, AlertRow, AlertState } from '../../server/alerts/schema.ts'
import { reasonOf, useTRPC, useTRPCClient } from '../api.tsx'
import { ago, zonedDateTime } from '../format.ts'
import { useLive, useLiveValue, useNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { cx } from '../ui/classes.ts'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { say } from '../ui/toast.tsx'

const STATES = ['open', 'acknowledged', 'resolved'] as const
const PAGE = 50
const KIND: Record<AlertKind, { word: string; tone: Tone; icon: LucideIcon }> = {
  'limit-60': { word: 'Within 60 min', tone: 'warning', icon: Timer },
  'limit-30': { word: 'Within 30 min', tone: 'warning', icon: Timer },
  'limit-passed': { word: 'Limit passed', tone: 'danger', icon: OctagonAlert },
  'truck-silent': { word: 'Truck silent', tone: 'rest', icon: RadioTower },
  sos: { word: 'Calls for help', tone: 'danger', icon: Siren },
  'two-trackers': { word: 'Two trackers', tone: 'warning', icon: ShieldAlert },
  'foreign-identity': { word: 'Foreign identity', tone: 'warning', icon: ShieldAlert },
  'bad-frames': { word: 'Unreadable', tone: 'warning', icon: FileWarning },
}
const NOTHING: Record<AlertState, { title: string; text: string }> = {
  open: {
    title: 'Nothing needs you now',
    text: 'A limit that comes near, a limit passed, a silent truck or a misused tracker shows here at once.',
  },
  acknowledged: {
    title: 'Nothing acknowledged is still going on',
    text: 'What you acknowledge stays here until it is resolved.',
  },
  resolved: {
    title: 'Nothing has been resolved yet',
    text: 'What was dealt with, by people or by itself, is kept here.',
  },
}

/** What is passed first, then what is due first. */
const byUrgency = (a: AlertRow, b: AlertRow) =>
  Number(b.severity === 'violation') - Number(a.severity === 'violation') || a.dueAt - b.dueAt || a.id - b.id

/** What needs somebody: open, seen, dealt with. The first two are live; the third is the archive, page by page. */
export function AlertsPage() {
  const [state, setState] = useQueryState('state', parseAsStringLiteral(STATES).withDefault('open'))
  const alerts = useLiveValue((store) => store.alerts)
  const ready = useLiveValue((store) => store.ready)
  const active = useMemo(() => [...alerts.values()].sort(byUrgency), [alerts])
  const of = (wanted: AlertState) => active.filter((alert) => alert.state === wanted)
  const counted = (wanted: AlertState) => (ready ? of(wanted).length : undefined)
  return (
    <div className="mx-auto flex w-full max-w-5xl flex-col gap-4 p-4 md:p-6">
      <h1 className="text-xl">Alerts</h1>
      <Tabs
        label="State"
        value={state}
        onChange={(value) => void setState(value)}
        tabs={[
          { value: 'open', label: 'Open', count: counted('open') },
          { value: 'acknowledged', label: 'Acknowledged', count: counted('acknowledged') },
          { value: 'resolved', label: 'Resolved' },
        ]}
      >
        {state === 'resolved' ? <Archive /> : <List rows={of(state)} state={state} loading={!ready} />}
      </Tabs>
    </div>
  )
}

function Archive() {
  const trpc = useTRPC()
  const client = useTRPCClient()
  const { data, error, isLoading, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } =
    useInfiniteQuery({
      queryKey: trpc.alerts.list.queryKey({ state: 'resolved', limit: PAGE }),
      queryFn: ({ pageParam }) =>
        client.alerts.list.query({ state: 'resolved', limit: PAGE, before: pageParam }),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: ({ alerts }) => (alerts.length === PAGE ? alerts.at(-1)?.id : undefined),
    })
  const known = useLiveValue((store) => store.alerts)
  useEffect(() => {
    // One that leaves the live ones comes in here.
    void known
    void refetch()
  }, [known, refetch])
  const rows = data?.pages.flatMap((page) => page.alerts) ?? []
  if (error) {
    return (
      <Notice
        alert
        title="The archive can’t be read"
        action={<Button onClick={() => void refetch()}>Try again</Button>}
      >
        {reasonOf(error)}
      </Notice>
    )
  }
  return (
    <>
      <List rows={rows} state="resolved" loading={isLoading} />
      {hasNextPage && (
        <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()} className="mx-auto mt-4">
          Show older ones
        </Button>
      )}
    </>
  )
}

function List({ rows, state, loading }: { rows: readonly AlertRow[]; state: AlertState; loading: boolean }) {
  if (loading) {
    return (
      <div role="status" className="flex flex-col gap-2">
        <span className="sr-only">Loading the alerts…</span>
        {[1, 2, 3, 4].map((i) => (
          <Skeleton key={i} className="h-20 rounded-lg" />
        ))}
      </div>
    )
  }
  if (rows.length === 0) {
    return (
      <Notice icon={state === 'open' ? CheckCheck : BellRing} title={NOTHING[state].title}>
        {NOTHING[state].text}
      </Notice>
    )
  }
  return (
    <ul aria-label="Alerts" className="flex flex-col gap-2">
      {rows.map((alert) => (
        <li key={alert.id}>
          <Alert alert={alert} />
        </li>
      ))}
    </ul>
  )
}

const WAY_ON = 'wrap-anywhere min-w-0 rounded py-1 text-accent hover:underline'

function Alert({ alert }: { alert: AlertRow }) {
  const now = useNow()
  const { word, tone, icon: Icon } = KIND[alert.kind]
  return (
    <article
      aria-label={alert.title}
      className={cx(
        'flex gap-3 rounded-lg border border-line border-l-4 bg-surface p-3 max-md:flex-col md:items-center md:px-4',
        alert.state !== 'open' && 'border-l-line-strong',
        alert.state === 'open' &&
          (alert.severity === 'violation' ? 'border-l-danger-fill' : 'border-l-warning-fill'),
      )}
    >
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Badge tone={tone}>
            <Icon aria-hidden className="size-3" />
            {word}
          </Badge>
          <span
            className="text-faint text-xs tabular-nums"
            title={zonedDateTime(alert.openedAt, alert.timeZone)}
          >
            {now > 0 && ago(now - alert.openedAt)}
          </span>
        </div>
        <h2 className="mt-1 font-semibold text-sm">{alert.title}</h2>
        <p className="text-muted text-xs">{alert.detail}</p>
        <p className="mt-1 flex flex-wrap items-center gap-x-3 text-xs">
          {alert.vehicleId !== null && (
            <Link href={`/map?truck=${alert.vehicleId}`} className={WAY_ON}>
              Truck {alert.unitNumber} on the map
            </Link>
          )}
          {alert.deviceId !== null && (
            <Link href={`/devices/${alert.deviceId}`} className={WAY_ON}>
              What the device says
            </Link>
          )}
          {alert.driverId !== null && (
            <Link href={`/drivers/${alert.driverId}`} className={WAY_ON}>
              {alert.driverName}’s day
            </Link>
          )}
          {alert.acknowledgedAt !== null && (
            <span className="text-faint">
              Acknowledged by {alert.acknowledgedBy},{' '}
              {zonedDateTime(alert.acknowledgedAt, alert.timeZone, now)}
            </span>
          )}
          {alert.resolvedAt !== null && (
            <span className="text-faint">
              Resolved {alert.resolvedBy ? `by ${alert.resolvedBy}` : 'by itself'},{' '}
              {zonedDateTime(alert.resolvedAt, alert.timeZone, now)}
            </span>
          )}
        </p>
      </div>
      {alert.state !== 'resolved' && <Actions alert={alert} />}
    </article>
  )
}

function Actions({ alert }: { alert: AlertRow }) {
  const trpc = useTRPC()
  const live = useLive()
  const queries = useQueryClient()
  const settle = {
    onSuccess: (row: AlertRow) => {
      live.putAlert(row)
      void queries.invalidateQueries({ queryKey: trpc.alerts.list.pathKey() })
    },
    onError: (error: unknown) => say('That did not work', { detail: reasonOf(error), tone: 'danger' }),
  }
  const acknowledge = useMutation(trpc.alerts.acknowledge.mutationOptions(settle))
  const resolve = useMutation(trpc.alerts.resolve.mutationOptions(settle))
  const busy = acknowledge.isPending || resolve.isPending
  return (
    <div className="flex gap-2">
      {alert.state === 'open' && (
        <MayButton
          action="alerts.settle"
          size="small"
          tone="primary"
          disabled={busy}
          onClick={() => acknowledge.mutate({ id: alert.id })}
        >
          Acknowledge
        </MayButton>
      )}
      <MayButton
        action="alerts.settle"
        size="small"
        disabled={busy}
        onClick={() => resolve.mutate({ id: alert.id })}
      >
        Resolve
      </MayButton>
    </div>
  )
}
