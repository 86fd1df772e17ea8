'use client'
import type { DeviceSignal } from '../../server/fleet/devices-schema.ts'
import { HOUR } from '../../server/time/instant.ts'
import { age, clockTime, zonedDateTime, zoneName } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'

const WIDTH = 288
/** So many gaps are said in words. */
const SHOWN = 5
const HOURS = [0, 6, 12, 18, 24]

/** The last 24 hours: where the device was heard, where it said nothing that counts, and where it was away. */
export function SignalRibbon({ signal }: { signal: DeviceSignal }) {
  const { timeZone } = useViewer().fleet
  const { counted, doubtful, from, until, gaps } = signal
  const heard = counted.filter((count, i) => count + doubtful[i]! > 0).length
  return (
    <div>
      <svg
        role="img"
        aria-label={`Heard in ${Math.round((heard / counted.length) * 100)} % of the last 24 hours`}
        viewBox={`0 0 ${WIDTH} 24`}
        preserveAspectRatio="none"
        className="h-8 w-full rounded bg-track"
      >
        <path d={bars(doubtful, 12)} className="fill-warning-fill" />
        <path d={bars(counted, 24)} className="fill-good-fill" />
      </svg>
      <div className="relative mt-1 h-4 text-2xs text-faint tabular-nums">
        {HOURS.map((hour) => (
          <span
            key={hour}
            className="absolute"
            style={{ left: `${(hour / 24) * 100}%`, transform: `translateX(-${(hour / 24) * 100}%)` }}
          >
            {clockTime(from + hour * HOUR, timeZone)}
          </span>
        ))}
      </div>
      <p className="mt-1 flex flex-wrap gap-x-4 text-muted text-xs">
        <Key className="bg-good-fill">heard</Key>
        <Key className="bg-warning-fill">heard, but nothing that counts</Key>
        <Key className="bg-track">not heard</Key>
        <span className="text-faint">Times in {zoneName(until, timeZone)}</span>
      </p>
      {gaps.length > SHOWN && <p className="mt-2 text-muted text-xs">The longest gaps:</p>}
      {gaps.length > 0 && (
        <ul aria-label="Longest gaps" className="mt-2 flex flex-col gap-0.5 text-xs">
          {gaps.slice(0, SHOWN).map((gap) => (
            <li key={gap.from} className="tabular-nums">
              <span className="font-medium">{age(gap.until - gap.from)}</span>
              <span className="text-muted">
                {' '}
                without a fix, from {zonedDateTime(gap.from, timeZone)} to{' '}
                {zonedDateTime(gap.until, timeZone, gap.from)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** A bar from the bottom for each five minutes with something in it. */
const bars = (counts: readonly number[], height: number) =>
  counts.map((count, i) => (count > 0 ? `M${i} 24v-${height}h1.02v${height}z` : '')).join('')

function Key({ className, children }: { className: string; children: string }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className={`size-2.5 rounded-sm ${className}`} />
      {children}
    </span>
  )
}
