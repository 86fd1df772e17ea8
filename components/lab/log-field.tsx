'use client'
import { useState } from 'react'
import { Field } from '../ui/field.tsx'
import type { ParsedLog } from './log-text.ts'
import { sentence } from './question.ts'

/** So many faults are read out; the rest are counted. */
const NAMED = 8
/** Of the text: the marks and numbers beside it go by it. */
const LINE_REM = 1.25
const PADDING_REM = 0.5

/** The log as text, its lines numbered; what can't be read is marked, and named below. */
export function LogField({
  text,
  parsed,
  refused,
  onChange,
}: {
  text: string
  parsed: ParsedLog
  /** What the engine says of a line. */
  refused: { where: string; reason: string } | null
  onChange(text: string): void
}) {
  const [scrolled, setScrolled] = useState(0)
  const { faults, unit } = parsed
  const named = [
    ...faults.slice(0, NAMED).map(({ line, reason }) => ({ where: `${unit} ${line}`, reason })),
    ...(refused ? [refused] : []),
  ]
  const marked = unit === 'Line' ? faults.slice(0, 100).map(({ line }) => line) : []
  const refusedLine = refused && /^Line (\d+)$/.exec(refused.where)?.[1]
  if (refusedLine) marked.push(Number(refusedLine))
  const count = text.split('\n').length
  return (
    <Field
      label="One event a line: local time and status"
      error={
        named.length > 0 && (
          <>
            {named.map(({ where, reason }) => (
              <span key={where} className="block">
                <span className="font-semibold">{where}</span>: {sentence(reason)}
              </span>
            ))}
            {faults.length > NAMED && <span className="block">and {faults.length - NAMED} more.</span>}
          </>
        )
      }
      hint={
        <>
          OFF SB D ON PC YM, in Europe REST DRIVE WORK POA FERRY; UNKNOWN where there is no data. A JSON array
          of {'{ "at", "status" }'} is read too.
        </>
      }
    >
      {(control) => (
        <span className="relative block h-60 overflow-hidden rounded-md md:h-80 border border-line-strong/70 bg-surface hover:border-line-strong has-aria-invalid:border-danger-fill">
          <span
            aria-hidden
            className="pointer-events-none absolute inset-x-0 top-0"
            style={{ transform: `translateY(${-scrolled}px)` }}
          >
            {marked.map((line) => (
              <span
                key={line}
                className="absolute inset-x-0 bg-danger-soft"
                style={{ top: `${PADDING_REM + (line - 1) * LINE_REM}rem`, height: `${LINE_REM}rem` }}
              />
            ))}
            <span className="absolute top-2 left-0 block w-8 whitespace-pre text-right font-mono text-2xs text-faint leading-5">
              {Array.from({ length: count }, (_, i) => i + 1).join('\n')}
            </span>
          </span>
          <textarea
            {...control}
            value={text}
            spellCheck={false}
            autoCapitalize="characters"
            autoComplete="off"
            wrap="off"
            placeholder={'2026-03-02 06:00 ON\n2026-03-02 06:30 D\n2026-03-02 11:00 OFF'}
            onChange={(event) => onChange(event.target.value)}
            onScroll={(event) => setScrolled(event.currentTarget.scrollTop)}
            className="relative block size-full resize-none overflow-auto rounded-md bg-transparent py-2 pr-2 pl-11 font-mono text-ink text-xs leading-5 placeholder:text-faint"
          />
        </span>
      )}
    </Field>
  )
}
