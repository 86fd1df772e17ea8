import type { DeviceProtocol } from '../auth/device.ts'
import { log } from '../log.ts'
import { countRefusal } from './metrics.ts'

/** A network that fails breaks many connections at once: they are one line of the log. */
const SAID_AFTER_MS = 1_000

let broken = 0

/** Notes that a connection ended in the middle of a report. Nothing of it was taken; the device sends it again. */
export function noteBroken(protocol: DeviceProtocol): void {
  countRefusal(protocol, 'broken-off')
  broken++
  if (broken > 1) return
  setTimeout(() => {
    log.warn('reports broke off in the middle', { reports: broken })
    broken = 0
  }, SAID_AFTER_MS).unref()
}
