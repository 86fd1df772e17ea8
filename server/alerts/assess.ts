import type { AlarmKind } from '../fleet/device-alarms.ts'
import { durationText, ruleTitle } from '../hos/explain.ts'
import type { Clock, DutyStatus } from '../hos/types.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import type { AlertKind } from './schema.ts'

/** A warning comes so long before the limit, and once more closer to it. */
const EARLY_MS = 60 * MINUTE
const LATE_MS = 30 * MINUTE

/** An alert that the facts of one instant ask for. The subject names the occurrence: the same one again is the same alert. */
export interface WantedAlert {
  kind: AlertKind
  subject: string
  driverId: number | null
  vehicleId: number | null
  rule: string | null
  dueAt: Instant
  title: string
  detail: string
  /** The device that it is about, if it is about one. */
  deviceId?: number
}

export interface DriverFacts {
  driverId: number
  name: string
  timeZone: string
  vehicleId: number | null
  status: DutyStatus
  statusSince: Instant
  clocks: readonly Clock[]
  violations: readonly { rule: string; title: string; from: Instant; explanation: string }[]
}

/**
 * What a driver's clocks ask for at `now`: a limit that is reached within the hour if the driver goes on as now, within the
 * half hour, or a limit that is passed and not yet rested off. Of the three the last that is true.
 */
export function assessDriver(driver: DriverFacts, now: Instant): WantedAlert[] {
  const { driverId, name, timeZone, vehicleId } = driver
  const wanted: WantedAlert[] = []
  const passed = new Set<string>()
  for (const { rule, title, from, explanation } of driver.violations) {
    const clock = driver.clocks.find((candidate) => candidate.rule === rule)
    if (!clock || clock.remainingMs > 0) continue
    passed.add(rule)
    wanted.push({
      kind: 'limit-passed',
      subject: `limit-passed:${driverId}:${rule}:${from}`,
      driverId,
      vehicleId,
      rule,
      dueAt: from,
      title: `${name} passed the ${lower(title)} at ${timeText(from, timeZone)}`,
      detail: explanation,
    })
  }
  for (const clock of driver.clocks) {
    const { rule, remainingMs, running, runsOutAt, limitMs } = clock
    if (!running || runsOutAt === null || remainingMs > EARLY_MS || passed.has(rule)) continue
    const kind = remainingMs > LATE_MS ? 'limit-60' : 'limit-30'
    wanted.push({
      kind,
      subject: `${kind}:${driverId}:${rule}:${clock.since ?? driver.statusSince}`,
      driverId,
      vehicleId,
      rule,
      dueAt: runsOutAt,
      title: `${name} reaches the ${lower(ruleTitle(rule))} at ${timeText(runsOutAt, timeZone)}`,
      detail: `${durationText(remainingMs)} of ${durationText(limitMs)} left at ${timeText(now, timeZone)}`,
    })
  }
  return wanted
}

export interface SilentFacts {
  vehicleId: number
  unitNumber: string
  driverId: number | null
  driverName: string | null
  status: DutyStatus | null
  timeZone: string
  /** When the truck was heard last. */
  receivedAt: Instant
  silentAfterMinutes: number
  moving: boolean
  /** "12 mi NE of Gary, IN" */
  place: string | null
}

const STATUS_WORDS: Record<DutyStatus, string> = {
  OFF: 'off duty',
  SB: 'in the sleeper berth',
  D: 'driving',
  ON: 'on duty',
  PC: 'on personal conveyance',
  YM: 'on a yard move',
  REST: 'resting',
  DRIVE: 'driving',
  WORK: 'working',
  POA: 'available',
  FERRY: 'on a ferry',
}

/** A truck that should be heard and is not. It stops being so when it reports: then `receivedAt` is another. */
export function assessSilence(truck: SilentFacts): WantedAlert {
  const { vehicleId, unitNumber, driverId, driverName, status, timeZone, receivedAt, place } = truck
  const where = place ? ` ${place}` : ''
  const doing = truck.moving ? ', moving' : ''
  const who = driverName && status ? `. ${driverName} is ${STATUS_WORDS[status]}` : ''
  return {
    kind: 'truck-silent',
    subject: `truck-silent:${vehicleId}:${receivedAt}`,
    driverId,
    vehicleId,
    rule: null,
    dueAt: receivedAt + truck.silentAfterMinutes * MINUTE,
    title: `Truck ${unitNumber} has been silent since ${timeText(receivedAt, timeZone)}`,
    detail: `Last heard${where}${doing}${who}`,
  }
}

export interface AlarmFacts {
  kind: AlarmKind
  deviceId: number
  deviceName: string
  vehicleId: number
  unitNumber: string
  timeZone: string
  /** When this occurrence began. */
  since: Instant
  /** The first of it, in a sentence. */
  detail: string
}

const ALARM_WORDS: Record<AlarmKind, string> = {
  sos: 'Help is called for by',
  'two-trackers': 'Two trackers report at once as',
  'foreign-identity': 'Somebody else reports as',
  'bad-frames': 'Frames that can’t be read come as',
}

/** Something is wrong around a device, or with who drives: the same alert for as long as it goes on. */
export function assessAlarm(alarm: AlarmFacts): WantedAlert {
  const { kind, deviceId, deviceName, vehicleId, unitNumber, timeZone, since, detail } = alarm
  return {
    kind,
    subject: `${kind}:${deviceId}:${since}`,
    driverId: null,
    vehicleId,
    rule: null,
    dueAt: since,
    title: `${ALARM_WORDS[kind]} ${deviceName} of truck ${unitNumber} since ${timeText(since, timeZone)}`,
    detail,
    deviceId,
  }
}

/** Titles begin a sentence elsewhere; inside one only abbreviations keep their capitals. */
const lower = (title: string) =>
  /^[A-Z][a-z]/.test(title) ? title[0]!.toLowerCase() + title.slice(1) : title

/** "14:25 CST" */
function timeText(at: Instant, timeZone: string): string {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(at)
}
