import { z } from 'zod'
import type { Action } from '../auth/can.ts'
import { ReportAsked, type ReportKind } from '../reports/schema.ts'
import { HOUR, type Instant } from '../time/instant.ts'

/** A file can be fetched for so long after it was made. */
export const FILE_KEPT_MS = 24 * HOUR

/** What a person must be allowed to do for a report, when they ask for it and when they fetch it. */
export const MAY_EXPORT: Record<ReportKind, Action> = {
  'driver-days': 'reports.export',
  violations: 'reports.export',
  audit: 'audit.see',
}

export const AskForExport = z.strictObject({ report: ReportAsked })

export type ExportState = 'queued' | 'running' | 'ready' | 'failed' | 'expired'

/** A file that somebody asked for. */
export interface ExportRow {
  id: number
  report: ReportAsked
  fileName: string
  state: ExportState
  /** Written so far; the header is none. */
  rows: number
  /** Of the file so far. */
  bytes: number
  askedAt: Instant
  startedAt: Instant | null
  readyAt: Instant | null
  expiresAt: Instant | null
  /** Why it failed, for the person who asked. */
  problem: string | null
}
