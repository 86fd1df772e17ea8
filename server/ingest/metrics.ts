import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { DeviceProtocol } from '../auth/device.ts'
import { OverRate } from '../auth/door-auth.ts'
import type { AppError } from '../errors.ts'
import { HEARTBEAT_FIELDS } from './decode.ts'

/** What this process measures, for Prometheus. */
export const registry = new Registry()
collectDefaultMetrics({ register: registry, prefix: 'restline_' })

const registers = [registry]
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * What happens with every heartbeat is counted in plain numbers, and read into the metrics when somebody asks for them: a counter of the
 * library takes its labels apart each time.
 */
const tally = () => ({ stored: 0, duplicate: 0, refused: 0, late: 0, received: 0, waiting: 0 })
const tallies = {
  json: tally(),
  osmand: tally(),
  owntracks: tally(),
  mqtt: tally(),
  teltonika: tally(),
} satisfies Record<DeviceProtocol, ReturnType<typeof tally>>

new Counter({
  name: 'restline_ingest_heartbeats_total',
  help: 'Heartbeats that were answered, by protocol and by what became of them: stored, duplicate or refused.',
  labelNames: ['protocol', 'outcome'],
  registers,
  collect() {
    this.reset()
    for (const [protocol, of] of Object.entries(tallies))
      for (const outcome of ['stored', 'duplicate', 'refused'] as const)
        this.inc({ protocol, outcome }, of[outcome])
  },
})
/** A count of each protocol, as a metric. */
const countOf = (what: 'received' | 'late', name: string, help: string) =>
  new Counter({
    ...{ name, help, labelNames: ['protocol'], registers },
    collect() {
      this.reset()
      for (const [protocol, of] of Object.entries(tallies)) this.inc({ protocol }, of[what])
    },
  })
countOf(
  'received',
  'restline_ingest_received_total',
  'Heartbeats that could be read, by protocol; those that are not answered too.',
)
countOf(
  'late',
  'restline_ingest_late_heartbeats_total',
  'Heartbeats whose fix was more than a minute old when they arrived: a backlog that is drained.',
)
new Gauge({
  name: 'restline_ingest_backlog_heartbeats',
  help: 'Backlog: heartbeats that were read and wait for their commit, by protocol.',
  labelNames: ['protocol'],
  registers,
  collect() {
    for (const [protocol, of] of Object.entries(tallies)) this.set({ protocol }, of.waiting)
  },
})
const refusals = new Counter({
  name: 'restline_ingest_refusals_total',
  help: 'Messages and connections refused, by protocol and reason.',
  labelNames: ['protocol', 'reason'],
  registers,
})
const slowed = new Counter({
  name: 'restline_ingest_slowed_total',
  help: 'Messages that waited before they were stored, by protocol and by whose rate they were over.',
  labelNames: ['protocol', 'reason'],
  registers,
})
const refusedByReason = new Counter({
  name: 'restline_ingest_refused_heartbeats_total',
  help: 'Heartbeats that were read and refused, by protocol and by what of them was wrong.',
  labelNames: ['protocol', 'reason'],
  registers,
})
const acknowledged = new Histogram({
  name: 'restline_ingest_acknowledgement_seconds',
  help: 'From a message in whole to its answer, by protocol.',
  labelNames: ['protocol'],
  buckets: SECONDS,
  registers,
})
/** Rows of one statement. */
export const groupRows = new Histogram({
  name: 'restline_ingest_group_rows',
  help: 'Heartbeats stored by one statement.',
  buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 4000],
  registers,
})
/** How long one statement took, its commit included. */
export const commitSeconds = new Histogram({
  name: 'restline_ingest_commit_seconds',
  help: 'How long the statement of a group took, with its commit.',
  buckets: SECONDS,
  registers,
})

/** What waits for the disk, asked when the metrics are read. */
export function measureQueue(depth: () => { rows: number; bytes: number }): void {
  for (const of of ['rows', 'bytes'] as const) {
    registry.removeSingleMetric(`restline_ingest_queue_${of}`)
    new Gauge({
      name: `restline_ingest_queue_${of}`,
      help: `${of === 'rows' ? 'Heartbeats' : 'Bytes of heartbeats'} that wait for the database.`,
      registers,
      collect() {
        this.set(depth()[of])
      },
    })
  }
}

/** Open connections of a protocol that keeps them. */
export const connections = new Gauge({
  name: 'restline_ingest_connections',
  help: 'Open connections of devices, by protocol.',
  labelNames: ['protocol'],
  registers,
})

// What has not happened yet is 0, not absent: else the first of it is no increase.
for (const protocol of Object.keys(tallies)) acknowledged.zero({ protocol })

/** Counts heartbeats that were read, until countAnswered says that they wait no more. */
export function countReceived(protocol: DeviceProtocol, heartbeats: number): void {
  const of = tallies[protocol]
  of.received += heartbeats
  of.waiting += heartbeats
}

/** So many of those that were read are answered, or can't be. */
export function countAnswered(protocol: DeviceProtocol, heartbeats: number): void {
  tallies[protocol].waiting -= heartbeats
}

/** Counts a message that was answered: its heartbeats, and how long it took. */
export function countMessage(
  protocol: DeviceProtocol,
  stored: number,
  duplicates: number,
  late: number,
  tookMs: number,
): void {
  const of = tallies[protocol]
  of.stored += stored
  of.duplicate += duplicates
  of.late += late
  acknowledged.observe({ protocol }, tookMs / 1000)
}

/** What a reason may begin with: the fields of all doors, few and fixed. A field that a device has invented is one of its others. */
const FIELDS: ReadonlySet<string> = new Set([
  ...HEARTBEAT_FIELDS,
  ...['heartbeat', 'body', 'content-type'],
  ...[
    'id',
    'timestamp',
    'lat',
    'lon',
    'location',
    'speed',
    'bearing',
    'heading',
    'altitude',
    'accuracy',
    'odometer',
  ],
  ...['_type', 'tst', 'vel', 'cog', 'alt', 'acc'],
])

/** Counts heartbeats that were refused. @param reasons sentences for the installer, that begin with the field */
export function countRefused(protocol: DeviceProtocol, reasons: readonly string[]): void {
  tallies[protocol].refused += reasons.length
  for (const reason of reasons) {
    const [field = ''] = reason.split(' ', 1)
    refusedByReason.labels(protocol, FIELDS.has(field) ? field : 'other').inc()
  }
}

/** The word for a refusal in the metrics. */
export const reasonOf = (refusal: AppError): string =>
  refusal instanceof OverRate ? `${refusal.whose}-rate` : refusal.code

/** Counts what waits at the door until its device or its fleet may say more. */
export function countSlowed(protocol: DeviceProtocol, over: OverRate): void {
  slowed.labels(protocol, reasonOf(over)).inc()
}

/** Counts what was turned away: `reason` is one of few words, never what a device said. `http`: before it was known what it is. */
export function countRefusal(protocol: DeviceProtocol | 'http', reason: string): void {
  refusals.labels(protocol, reason).inc()
}
