'use client'
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, CircleCheckBig, LoaderCircle, RadioTower, TriangleAlert, WifiOff } from 'lucide-react'
import Link from 'next/link'
import { parseAsBoolean, useQueryState } from 'nuqs'
import { type ReactNode, useEffect, useRef } from 'react'
import type { DeviceDetail, DeviceMessage } from '../../server/fleet/devices-schema.ts'
import { isSignedOut, reasonOf, useReason, useTRPC } from '../api.tsx'
import { ago, coordinates, zonedDateTime } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/section.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { DeviceAccess } from './device-access.tsx'
import {
  CONNECTION_TONE,
  clockWords,
  connectionOf,
  connectionWords,
  doubtWords,
  WORK,
  workOf,
} from './device-state.ts'
import { MessageList } from './message-list.tsx'
import { type Doors, PROTOCOL_TITLE } from './settings.ts'
import { SignalRibbon } from './signal-ribbon.tsx'
import { useWatch } from './use-watch.ts'

/** One device: whether it is heard, whether it is of use, why not, and a test that an installer watches from the yard. */
export function DevicePage({ id, doors }: { id: number; doors: Doors }) {
  const trpc = useTRPC()
  const device = useQuery(trpc.devices.get.queryOptions({ id }, { refetchInterval: 5_000 }))
  const { data, refetch } = device
  const error = useReason(device)
  if (!data) {
    if (error && !isSignedOut(error)) {
      return (
        <Notice
          alert
          icon={RadioTower}
          title={<h1>This device can’t be shown</h1>}
          action={
            <>
              <Button onClick={() => void refetch()}>Try again</Button>
              <Back />
            </>
          }
        >
          {reasonOf(error)}
        </Notice>
      )
    }
    return (
      <div role="status" className="mx-auto flex w-full max-w-6xl flex-col gap-4 p-4 md:p-6">
        <h1 className="sr-only">Loading the device…</h1>
        <Skeleton className="h-8 w-64" />
        <Skeleton className="h-24" />
        <Skeleton className="h-64" />
      </div>
    )
  }
  return <Loaded device={data} doors={doors} isStale={error !== null} onChange={() => void refetch()} />
}

function Loaded({
  device,
  doors,
  isStale,
  onChange,
}: {
  device: DeviceDetail
  doors: Doors
  isStale: boolean
  onChange(): void
}) {
  const now = useNow()
  const [testing, setTesting] = useQueryState(
    'test',
    parseAsBoolean.withDefault(false).withOptions({ history: 'replace', shallow: true }),
  )
  const watch = useWatch(device.id, testing)
  const messages = merged(watch.messages, device.messages)
  const connection = connectionOf(device, device.silentAfterMinutes, now)
  const work = workOf(device)
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 p-4 md:p-6">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Back />
        <h1 className="wrap-anywhere min-w-0 text-xl">{device.name}</h1>
        <Link
          href={`/map?truck=${device.vehicleId}`}
          className="wrap-anywhere min-w-0 rounded py-0.5 text-accent text-sm hover:underline"
        >{`Truck ${device.unitNumber}`}</Link>
        <span className="wrap-anywhere min-w-0 text-muted text-sm">
          {PROTOCOL_TITLE[device.protocol]}
          {device.identity && <span className="tabular-nums">, {device.identity}</span>}
        </span>
        <Button
          tone={testing ? 'plain' : 'primary'}
          aria-pressed={testing}
          className="ml-auto"
          onClick={() => void setTesting(testing ? null : true)}
        >
          {testing ? 'End the test' : 'Test it'}
        </Button>
      </div>
      {isStale && (
        <p role="status" className="flex items-center gap-2 text-warning text-xs">
          <WifiOff aria-hidden className="size-3.5" />
          No connection: what follows was so when it was lost.
        </p>
      )}
      {testing && <TestState watch={watch} />}
      <dl className="grid grid-cols-2 gap-3 md:grid-cols-4">
        <Fact title="Connection">
          <Badge tone={CONNECTION_TONE[connection]}>
            {now > 0 ? connectionWords(connection, device.seenAt, now) : '…'}
          </Badge>
          {device.address && <Small>from {device.address}</Small>}
        </Fact>
        <Fact title="Work">
          <Badge tone={WORK[work].tone}>{WORK[work].word}</Badge>
          <Small>{whyOf(device, work)}</Small>
        </Fact>
        <Fact title="Clock">
          <span className="font-semibold text-sm tabular-nums">
            {device.clockOffsetMs === null ? '–' : clockWords(device.clockOffsetMs)}
          </span>
          <Small>its newest message against our clock</Small>
        </Fact>
        <Fact title="Acknowledged in">
          <span className="font-semibold text-sm tabular-nums">
            {device.acknowledgedInMs === null
              ? '–'
              : `${Math.max(1, Math.round(device.acknowledgedInMs))} ms`}
          </span>
          <Small>{slowest(messages)}</Small>
        </Fact>
      </dl>
      <Signal id={device.id} />
      <Section title="Last messages">
        {messages.length > 0 ? (
          <MessageList messages={messages} />
        ) : (
          <p className="text-muted text-sm">
            {testing
              ? 'Nothing yet. The next message shows here within a second.'
              : 'None is kept now. “Test it” shows what the server holds, and each message as it comes.'}
          </p>
        )}
      </Section>
      <div className="grid gap-5 md:grid-cols-2">
        <Section title="Counted">
          <Counts device={device} />
        </Section>
        <Section title="Refused, or stored and not counted">
          <Reasons device={device} />
        </Section>
      </div>
      <DeviceAccess device={device} doors={doors} onChange={onChange} />
    </div>
  )
}

const Back = () => (
  <Link
    href="/devices"
    className="inline-flex items-center gap-1 rounded py-0.5 text-accent text-sm hover:underline"
  >
    <ArrowLeft aria-hidden className="size-4" />
    Devices
  </Link>
)

function merged(live: readonly DeviceMessage[], kept: readonly DeviceMessage[]): DeviceMessage[] {
  const all = new Map([...kept, ...live].map((message) => [message.id, message]))
  return [...all.values()].sort((a, b) => b.id - a.id).slice(0, 20)
}

/** From across the yard: does it work? */
function TestState({ watch }: { watch: ReturnType<typeof useWatch> }) {
  const { timeZone } = useViewer().fleet
  const { messages, isListening, error, restart } = watch
  const valid = messages.find(({ readings }) => readings.some(({ doubts }) => doubts.length === 0))
  const fix = valid?.readings.find(({ doubts }) => doubts.length === 0)
  const [newest] = messages
  const works = useRef<HTMLHeadingElement>(null)
  const hasFix = fix !== undefined
  useEffect(() => {
    if (hasFix) works.current?.scrollIntoView({ block: 'nearest' })
  }, [hasFix])
  if (fix && valid) {
    return (
      <Big tone="good" icon={<CircleCheckBig aria-hidden className="size-14" />}>
        <h2 ref={works} className="font-semibold text-3xl">
          It works
        </h2>
        <p className="text-sm">
          A valid fix at {coordinates(fix.latitude ?? 0, fix.longitude ?? 0)}, received{' '}
          {zonedDateTime(valid.receivedAt, timeZone, valid.receivedAt)}.
        </p>
      </Big>
    )
  }
  if (error) {
    return (
      <Big tone="bad" icon={<WifiOff aria-hidden className="size-14" />}>
        <h2 className="font-semibold text-2xl">The test has stopped</h2>
        <p className="text-sm">{reasonOf(error)}</p>
        <Button size="small" onClick={restart}>
          Start it again
        </Button>
      </Big>
    )
  }
  if (newest) {
    const doubts = newest.readings.flatMap((reading) => reading.doubts)
    return (
      <Big tone="bad" icon={<TriangleAlert aria-hidden className="size-14" />}>
        <h2 className="font-semibold text-2xl">Heard, but not of use yet</h2>
        <p className="text-sm">{newest.refusal ?? [...new Set(doubts)].map(doubtWords).join(', ')}</p>
      </Big>
    )
  }
  return (
    <Big tone="wait" icon={<LoaderCircle aria-hidden className="size-14 motion-safe:animate-spin" />}>
      <h2 className="font-semibold text-2xl">
        {isListening ? 'Waiting for its first message' : 'Connecting…'}
      </h2>
      <p className="text-sm">Switch it on, under the open sky. A first fix can take some minutes.</p>
    </Big>
  )
}

const BIG = {
  good: 'border-good-fill bg-good-soft text-good',
  bad: 'border-warning-fill bg-warning-soft text-warning',
  wait: 'border-line-strong bg-surface text-muted',
}

function Big({ tone, icon, children }: { tone: keyof typeof BIG; icon: ReactNode; children: ReactNode }) {
  return (
    <div role="status" className={`flex items-center gap-5 rounded-xl border-2 px-5 py-6 ${BIG[tone]}`}>
      {icon}
      <div className="flex min-w-0 flex-col items-start gap-1">{children}</div>
    </div>
  )
}

function Signal({ id }: { id: number }) {
  const trpc = useTRPC()
  const signal = useQuery(trpc.devices.signal.queryOptions({ id }, { refetchInterval: 15_000 }))
  const { data } = signal
  const error = useReason(signal)
  return (
    <Section title="Signal in the last 24 hours">
      {data ? (
        <SignalRibbon signal={data} />
      ) : error ? (
        <p className="text-danger text-sm">{reasonOf(error)}</p>
      ) : (
        <Skeleton className="h-8" />
      )}
    </Section>
  )
}

function Counts({ device }: { device: DeviceDetail }) {
  const counts = [
    ['Positions received', device.received],
    ['Stored', device.stored],
    ['Duplicates', device.duplicates],
    ['Refused', device.refused],
    ['Stored and not counted', device.doubtful],
  ] as const
  return (
    <dl className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-1 text-sm">
      {counts.map(([title, count]) => (
        <div key={title} className="contents">
          <dt className="text-muted">{title}</dt>
          <dd className="text-right tabular-nums">{count.toLocaleString('en-US')}</dd>
        </div>
      ))}
    </dl>
  )
}

function Reasons({ device }: { device: DeviceDetail }) {
  const { timeZone } = useViewer().fleet
  const now = useNow()
  if (device.reasons.length === 0) return <p className="text-muted text-sm">Nothing, so far.</p>
  return (
    <ul aria-label="Reasons" className="flex flex-col gap-1.5 text-sm">
      {device.reasons.map(({ kind, reason, count, lastAt }) => (
        <li key={`${kind} ${reason}`} className="flex items-baseline gap-2">
          <span className="w-14 shrink-0 text-right font-semibold tabular-nums">
            {count.toLocaleString('en-US')} ×
          </span>
          <Badge tone={kind === 'refused' ? 'danger' : 'warning'} className="w-20 shrink-0 justify-center">
            {kind === 'refused' ? 'Refused' : 'Not counted'}
          </Badge>
          <span className="wrap-anywhere min-w-0">{kind === 'refused' ? reason : doubtWords(reason)}</span>
          <span className="ml-auto shrink-0 text-faint text-xs" title={zonedDateTime(lastAt, timeZone)}>
            {now > 0 && ago(Math.max(0, now - lastAt))}
          </span>
        </li>
      ))}
    </ul>
  )
}

function whyOf(device: DeviceDetail, work: ReturnType<typeof workOf>): string {
  if (work === 'nothing') return 'no message has come'
  if (work === 'fix') return 'its positions count'
  if (work === 'refused') return device.refusal ?? ''
  return device.doubt ? doubtWords(device.doubt) : ''
}

function slowest(messages: readonly DeviceMessage[]): string {
  if (messages.length === 0) return 'the last one'
  const most = Math.max(...messages.map(({ acknowledgedInMs }) => acknowledgedInMs))
  return `the last one; of ${messages.length} kept at most ${Math.max(1, Math.round(most))} ms`
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1 rounded-lg border border-line bg-surface px-3 py-2.5">
      <dt className="font-medium text-muted text-xs">{title}</dt>
      <dd className="flex min-w-0 flex-col items-start gap-1">{children}</dd>
    </div>
  )
}

const Small = ({ children }: { children: ReactNode }) => (
  <span className="wrap-anywhere max-w-full text-faint text-xs">{children}</span>
)
