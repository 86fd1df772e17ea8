'use client'
import { FileDown, Files, LoaderCircle, RotateCcw, Trash2, X } from 'lucide-react'
import { type RefObject, useRef } from 'react'
import type { ExportRow, ExportState } from '../../server/exports/schema.ts'
import { visible } from '../../server/text-schema.ts'
import { reasonOf } from '../api.tsx'
import { fileSize, plural, zonedDateTime } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Badge, type Tone } from '../ui/badge.tsx'
import { Button, buttonClass, IconButton } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { type Exports, fileHref, isUnfinished } from './use-exports.ts'

const STATE: Record<ExportState, { word: string; tone: Tone }> = {
  queued: { word: 'Waiting', tone: 'neutral' },
  running: { word: 'Being made', tone: 'accent' },
  ready: { word: 'Ready', tone: 'good' },
  failed: { word: 'Failed', tone: 'danger' },
  expired: { word: 'Expired', tone: 'neutral' },
}

/** A person's files: what is being made, what can be fetched, what became of the rest. */
export function ExportList({ exports }: { exports: Exports }) {
  const { list, rows } = exports
  const heading = useRef<HTMLHeadingElement>(null)
  return (
    <section aria-labelledby="files" className="flex flex-col gap-3">
      <div>
        <h2 id="files" ref={heading} tabIndex={-1} className="text-base">
          Your files
        </h2>
        <p className="mt-0.5 text-muted text-xs">Kept for 24 hours. Only you can fetch them.</p>
      </div>
      {rows && (list.isError || list.isPaused) && (
        <p role="status" className="rounded-md bg-warning-soft px-3 py-2 text-sm text-warning">
          The connection is lost. What is being made goes on, and shows here when it is back.
        </p>
      )}
      {rows ? (
        rows.length === 0 ? (
          <Notice
            icon={Files}
            title="No files yet"
            className="rounded-lg border border-line border-dashed py-8"
          >
            What you export is made in the background and waits here.
          </Notice>
        ) : (
          <FileRows exports={exports} rows={rows} heading={heading} />
        )
      ) : list.isError ? (
        <Notice
          alert
          title="Your files can’t be listed"
          action={<Button onClick={() => void list.refetch()}>Try again</Button>}
        >
          {reasonOf(list.error)}
        </Notice>
      ) : (
        <div role="status" className="flex flex-col gap-2">
          <span className="sr-only">Loading your files…</span>
          <Skeleton className="h-16 rounded-lg" />
          <Skeleton className="h-16 rounded-lg" />
        </div>
      )}
    </section>
  )
}

/** The rows alone, for a page that has something else to show. */
export function FileRows({
  exports: { ask, remove },
  rows,
  heading,
}: {
  exports: Exports
  rows: readonly ExportRow[]
  /** Where the focus goes when its row does. */
  heading: RefObject<HTMLElement | null>
}) {
  const { timeZone } = useViewer().fleet
  const drop = (id: number) => remove.mutate({ id }, { onSuccess: () => heading.current?.focus() })
  return (
    <>
      {remove.error && (
        <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
          {reasonOf(remove.error)}
        </p>
      )}
      <ul aria-label="Files" className="flex flex-col gap-2">
        {rows.map((row) => (
          <li
            key={row.id}
            className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border border-line bg-surface px-4 py-3"
          >
            <div className="min-w-0 flex-1 basis-60">
              <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
                <bdi className="wrap-anywhere font-medium text-sm">{row.fileName}</bdi>
                <Badge tone={STATE[row.state].tone}>
                  {row.state === 'running' && (
                    <LoaderCircle aria-hidden className="size-3 motion-safe:animate-spin" />
                  )}
                  {STATE[row.state].word}
                </Badge>
              </p>
              <p className="wrap-anywhere mt-0.5 text-muted text-xs tabular-nums">{wordsOf(row, timeZone)}</p>
            </div>
            <div className="flex items-center gap-2">
              {row.state === 'ready' && (
                <a href={fileHref(row.id)} download className={buttonClass('primary', 'small')}>
                  <FileDown aria-hidden className="size-4" />
                  Download<span className="sr-only"> {row.fileName}</span>
                </a>
              )}
              {(row.state === 'failed' || row.state === 'expired') && (
                <Button size="small" onClick={() => ask(row.report)}>
                  <RotateCcw aria-hidden className="size-4" />
                  Again<span className="sr-only">: {row.fileName}</span>
                </Button>
              )}
              {isUnfinished(row) ? (
                <Button size="small" onClick={() => drop(row.id)}>
                  <X aria-hidden className="size-4" />
                  Cancel<span className="sr-only"> {row.fileName}</span>
                </Button>
              ) : (
                <IconButton label={`Delete ${row.fileName}`} onClick={() => drop(row.id)}>
                  <Trash2 aria-hidden className="size-4" />
                </IconButton>
              )}
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}

/** How far it is, or what became of it. A search stands in no file's name, so it stands here. */
function wordsOf(row: ExportRow, timeZone: string): string {
  const rows = plural(row.rows, 'row', 'rows')
  const at = (instant: number | null) => (instant === null ? '' : zonedDateTime(instant, timeZone))
  const words = {
    queued: `Asked for ${at(row.askedAt)}`,
    running: row.rows === 0 ? 'The first rows are being read' : `${rows} so far, ${fileSize(row.bytes)}`,
    ready: `${rows}, ${fileSize(row.bytes)}, until ${at(row.expiresAt)}`,
    failed: row.problem ?? '',
    expired: `Made ${at(row.readyAt)}, deleted after 24 hours`,
  }[row.state]
  const { report } = row
  return report.kind === 'audit' && report.text ? `“${visible(report.text)}”: ${words}` : words
}
