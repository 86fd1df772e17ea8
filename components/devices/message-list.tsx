'use client'
import type { DeviceMessage, DeviceReading } from '../../server/fleet/devices-schema.ts'
import { visible } from '../../server/text-schema.ts'
import { age, clockTimeSeconds, coordinates, distance, plural, speed, zoneName } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { doubtWords } from './device-state.ts'

/** The last messages, each as it came and as it was understood, side by side. */
export function MessageList({ messages }: { messages: readonly DeviceMessage[] }) {
  return (
    <ol aria-label="Messages" className="flex flex-col gap-3">
      {messages.map((message) => (
        <li key={message.id}>
          <Message message={message} />
        </li>
      ))}
    </ol>
  )
}

function Message({ message }: { message: DeviceMessage }) {
  const { fleet } = useViewer()
  const { receivedAt, raw, rawBytes, protocol, refusal, readings, received } = message
  const at = `${clockTimeSeconds(receivedAt, fleet.timeZone)} ${zoneName(receivedAt, fleet.timeZone)}`
  const hidden = received - readings.length - (refusal === null ? 0 : 1)
  return (
    <article
      aria-label={`Message of ${at}`}
      className="overflow-hidden rounded-lg border border-line bg-surface"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-3 py-2 text-xs">
        <span className="font-semibold tabular-nums">{at}</span>
        <Outcome message={message} />
        <span className="text-muted tabular-nums">
          {rawBytes.toLocaleString('en-US')} bytes from {message.address}, answered in{' '}
          {Math.max(1, Math.round(message.acknowledgedInMs))} ms
        </span>
      </header>
      <div className="grid gap-px bg-line md:grid-cols-2">
        <div className="min-w-0 bg-surface p-3">
          <h3 className="mb-1 font-medium text-muted text-xs">As it came</h3>
          <textarea
            readOnly
            aria-label="The message as it came"
            rows={Math.min(10, Math.max(3, Math.ceil(raw.length / 56)))}
            className="block w-full resize-none whitespace-pre-wrap break-all rounded bg-sunken p-2 font-mono text-2xs"
            value={`${protocol === 'teltonika' ? pairs(raw) : visible(raw)}${rawBytes > 1_024 ? '…' : ''}`}
          />
        </div>
        <div className="min-w-0 bg-surface p-3">
          <h3 className="mb-1 font-medium text-muted text-xs">As it was understood</h3>
          {refusal !== null && (
            <p className="mb-2 rounded bg-danger-soft px-2 py-1 text-danger text-xs">
              Refused: {visible(refusal)}
            </p>
          )}
          <ul aria-label="Positions" className="flex flex-col gap-2">
            {[...readings.entries()].map(([i, reading]) => (
              // Their order in the message is all that tells them apart.
              <li key={`${i} ${reading.fixAt}`}>
                <Reading reading={reading} receivedAt={receivedAt} />
              </li>
            ))}
          </ul>
          {hidden > 0 && readings.length > 0 && <p className="mt-1 text-muted text-xs">and {hidden} more</p>}
        </div>
      </div>
    </article>
  )
}

function Outcome({ message: { stored, duplicates, refusal, readings } }: { message: DeviceMessage }) {
  const isDoubtful = readings.length > 0 && readings.every(({ doubts }) => doubts.length > 0)
  return (
    <>
      {refusal !== null && <Badge tone="danger">Refused</Badge>}
      {stored > 0 && (
        <Badge tone={isDoubtful ? 'warning' : 'good'}>
          {stored} stored{isDoubtful && ', does not count'}
        </Badge>
      )}
      {duplicates > 0 && <Badge>{plural(duplicates, 'duplicate', 'duplicates')}</Badge>}
    </>
  )
}

function Reading({ reading, receivedAt }: { reading: DeviceReading; receivedAt: number }) {
  const { fleet } = useViewer()
  const late = receivedAt - reading.fixAt
  const rows: [string, string | null][] = [
    [
      'Fix',
      `${new Date(reading.fixAt).toISOString().replace('T', ' ').replace('Z', ' UTC')}, ${
        Math.abs(late) < 2_000
          ? 'now'
          : `${age(Math.abs(late))} ${late > 0 ? 'before it came' : 'ahead of us'}`
      }`,
    ],
    [
      'Place',
      reading.latitude === null || reading.longitude === null
        ? 'none'
        : coordinates(reading.latitude, reading.longitude),
    ],
    ['Speed', reading.speedKph === null ? null : speed(reading.speedKph, fleet.distanceUnit)],
    ['Heading', reading.headingDegrees === null ? null : `${reading.headingDegrees}°`],
    ['Altitude', reading.altitudeMeters === null ? null : `${reading.altitudeMeters} m`],
    ['Accuracy', reading.accuracyMeters === null ? null : `${reading.accuracyMeters} m`],
    [
      'Odometer',
      reading.odometerMeters === null ? null : distance(reading.odometerMeters, fleet.distanceUnit),
    ],
    ['Ignition', reading.ignition === null ? null : reading.ignition ? 'on' : 'off'],
    [
      'More',
      reading.attributes && Object.keys(reading.attributes).length > 0
        ? visible(JSON.stringify(reading.attributes))
        : null,
    ],
  ]
  return (
    <div className="text-xs">
      {reading.doubts.length > 0 && (
        <p className="mb-1 rounded bg-warning-soft px-2 py-1 text-warning">
          Stored, but does not count: {reading.doubts.map(doubtWords).join(', ')}
        </p>
      )}
      <dl className="grid grid-cols-[4.5rem_1fr] gap-x-2 gap-y-0.5">
        {rows.map(
          ([name, value]) =>
            value !== null && (
              <div key={name} className="contents">
                <dt className="text-muted">{name}</dt>
                <dd className="break-all font-mono text-2xs leading-4 tabular-nums">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </div>
  )
}

/** Bytes in pairs of four, so that a length or a count can be found. */
const pairs = (hex: string) => hex.replace(/(.{8})/g, '$1 ')
