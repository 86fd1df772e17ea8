import { z } from 'zod'
import type { AlertRow } from '../alerts/schema.ts'
import type { PositionFrame } from '../geo/frame.ts'
import type { DriverRow } from '../logs/schema.ts'
import type { Instant } from '../time/instant.ts'

/** `lastEventId` is what tRPC sends when it resumes: the cursor of the last frame that arrived. */
export const StreamInput = z.strictObject({ lastEventId: z.string().max(64).nullish() })

/** What the stream sends, at most four times a second: only what changed since the frame before. */
export interface LiveFrame {
  /** true: `positions`, `drivers` and `openAlerts` are everything, forget what was there. */
  snapshot: boolean
  serverTime: Instant
  positions?: PositionFrame
  drivers?: DriverRow[]
  /** Alerts that opened or changed; in a snapshot all that are not resolved. */
  alerts?: AlertRow[]
}
