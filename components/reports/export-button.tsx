'use client'
import { FileDown } from 'lucide-react'
import type { ReactNode } from 'react'
import { MAY_EXPORT } from '../../server/exports/schema.ts'
import type { ReportAsked } from '../../server/reports/schema.ts'
import { BlockedButton, useWhyNot } from '../shell/may-button.tsx'
import type { ButtonSize, ButtonTone } from '../ui/button.tsx'
import type { Exports } from './use-exports.ts'

/**
 * Asks for a report as a file, and says what becomes of it to those who don't see the list.
 * @param report null while what is chosen can't be exported
 */
export function ExportButton({
  exports,
  report,
  missing = null,
  tone,
  size,
  children,
}: {
  exports: Exports
  report: ReportAsked | null
  /** Why there is no report to ask for. */
  missing?: string | null
  tone?: ButtonTone
  size?: ButtonSize
  children: ReactNode
}) {
  const why = useWhyNot(MAY_EXPORT[report?.kind ?? 'violations'])
  return (
    <>
      <BlockedButton
        why={why ?? missing}
        tone={tone}
        size={size}
        busy={exports.isBusy}
        onClick={() => report && exports.ask(report)}
      >
        {!exports.isBusy && <FileDown aria-hidden className="size-4" />}
        {children}
      </BlockedButton>
      <span role="status" className="sr-only">
        {exports.said}
      </span>
    </>
  )
}

/** Why it couldn't be asked for, or that it will be; nothing while all is well. */
export function ExportTrouble({ exports: { refused, isHeldUp } }: { exports: Exports }) {
  if (isHeldUp)
    return (
      <p role="status" className="rounded-md bg-warning-soft px-3 py-2 text-sm text-warning">
        There is no connection. The export is asked for when it is back.
      </p>
    )
  if (refused === null) return null
  return (
    <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
      {refused}
    </p>
  )
}
