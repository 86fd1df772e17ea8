import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { DeviceProtocol } from '../auth/device.ts'
import { HEARTBEAT_FIELDS } from './decode.ts'

/** What this process measures, for Prometheus. */
export const registry = new Registry()
collectDefaultMetrics({ register: registry, prefix: 'restline_' })

const registers = [registry]
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const heartbeats = new Counter({
  name: 'restline_ingest_heartbeats_total',
  help: 'Heartbeats that were answered, by protocol and by what became of them: stored, duplicate or refused.',
  labelNames: ['protocol', 'outcome'],
  registers,
})
const received = new Counter({
  name: 'restline_ingest_received_total',
  help: 'Heartbeats that could be read, by protocol; those that are not answered too.',
  labelNames: ['protocol'],
  registers,
})
const backlog = new Gauge({
  name: 'restline_ingest_backlog_heartbeats',
  help: 'Backlog: heartbeats that were read and wait for their commit, by protocol.',
  labelNames: ['protocol'],
  registers,
})
const refusals = new Counter({
  name: 'restline_ingest_refusals_total',
  help: 'Messages and connections refused, by protocol and reason.',
  labelNames: ['protocol', 'reason'],
  registers,
})
const refusedByReason = new Counter({
  name: 'restline_ingest_refused_heartbeats_total',
  help: 'Heartbeats that were read and refused, by protocol and by what of them was wrong.',
  labelNames: ['protocol', 'reason'],
  registers,
})
const late = new Counter({
  name: 'restline_ingest_late_heartbeats_total',
  help: 'Heartbeats whose fix was more than a minute old when they arrived: a backlog that is drained.',
  labelNames: ['protocol'],
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

const children = (protocol: DeviceProtocol) => ({
  stored: heartbeats.labels(protocol, 'stored'),
  duplicate: heartbeats.labels(protocol, 'duplicate'),
  refused: heartbeats.labels(protocol, 'refused'),
  late: late.labels(protocol),
  received: received.labels(protocol),
  backlog: backlog.labels(protocol),
  acknowledged: acknowledged.labels(protocol),
})
const byProtocol = {
  json: children('json'),
  osmand: children('osmand'),
  owntracks: children('owntracks'),
  mqtt: children('mqtt'),
  teltonika: children('teltonika'),
}
// What has not happened yet is 0, not absent: else the first of it is no increase.
for (const [protocol, { acknowledged: _, ...counts }] of Object.entries(byProtocol)) {
  for (const count of Object.values(counts)) count.inc(0)
  acknowledged.zero({ protocol })
}

/** Counts heartbeats that were read. @returns what says that they are answered, or that they can't be */
export function countReceived(protocol: DeviceProtocol, heartbeats: number): () => void {
  const of = byProtocol[protocol]
  of.received.inc(heartbeats)
  of.backlog.inc(heartbeats)
  return () => of.backlog.dec(heartbeats)
}

/** Counts a message that was answered. */
export function countMessage(
  protocol: DeviceProtocol,
  message: { stored: number; duplicates: number; late: number; tookMs: number },
): void {
  const of = byProtocol[protocol]
  of.stored.inc(message.stored)
  if (message.duplicates > 0) of.duplicate.inc(message.duplicates)
  if (message.late > 0) of.late.inc(message.late)
  of.acknowledged.observe(message.tookMs / 1000)
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
  byProtocol[protocol].refused.inc(reasons.length)
  for (const reason of reasons) {
    const [field = ''] = reason.split(' ', 1)
    refusedByReason.labels(protocol, FIELDS.has(field) ? field : 'other').inc()
  }
}

/** Counts what was turned away: `reason` is one of few words, never what a device said. `http`: before it was known what it is. */
export function countRefusal(protocol: DeviceProtocol | 'http', reason: string): void {
  refusals.labels(protocol, reason).inc()
}
