'use client'
import { Check, Eraser, Link2 } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import type { DutyEvent } from '../../server/hos/types.ts'
import { zone } from '../../server/time/zone.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Button } from '../ui/button.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { say } from '../ui/toast.tsx'
import { AnswerPanel } from './answer-panel.tsx'
import { tidied } from './draw.ts'
import { Drawing } from './drawing.tsx'
import { decodeQuestion, encodeQuestion } from './link.ts'
import { LogField } from './log-field.tsx'
import { formatLog } from './log-text.ts'
import { answerOf, emptyQuestion, type Question, readQuestion } from './question.ts'
import { QuestionForm } from './question-form.tsx'
import { statusIn } from './rulesets.ts'
import { SAMPLES } from './samples.ts'

/** Browsers let a page change its address a hundred times in half a minute, so it waits for a pause. */
const ADDRESS_AFTER_MS = 300
const COPIED_MS = 2_000

/** A log held against the rules, in this browser alone. */
export function LabPage() {
  const { fleet } = useViewer()
  const [opened, setOpened] = useState<{ key: number; question: Question; today: number } | null>(null)
  // The question is in the fragment: unlike a query it is never sent to the server, so nobody else reads the log. That also
  // means that only the browser can draw the page.
  useEffect(() => {
    const open = () => {
      const code = window.location.hash.slice(1)
      const found = code === '' ? null : decodeQuestion(code)
      if (code !== '' && !found)
        say('This link can’t be read', {
          detail: 'It may have been cut short. The lab starts empty.',
          tone: 'warning',
        })
      const question = found ?? emptyQuestion(fleet.timeZone)
      setOpened((before) => ({ key: (before?.key ?? 0) + 1, question, today: Date.now() }))
    }
    open()
    window.addEventListener('hashchange', open)
    return () => window.removeEventListener('hashchange', open)
  }, [fleet.timeZone])
  if (!opened) return <Loading />
  return <Lab key={opened.key} start={opened.question} today={opened.today} />
}

function Lab({ start, today }: { start: Question; today: number }) {
  const { fleet } = useViewer()
  const [question, setQuestion] = useState(start)
  /** What drawing and samples have replaced. */
  const [past, setPast] = useState<readonly Question[]>([])
  const [preview, setPreview] = useState<DutyEvent[] | null>(null)
  const read = useMemo(() => readQuestion(question), [question])
  const answer = useMemo(
    () => answerOf(question.ruleset, read, preview ?? undefined),
    [question, read, preview],
  )
  const { parsed, ordered } = read
  const evaluation = answer.kind === 'judged' ? answer.evaluation : null
  const settled = useMemo(
    () => (ordered ? parsed.events : [...parsed.events].sort((a, b) => a.at - b.at)),
    [parsed, ordered],
  )
  useAddress(question, fleet.timeZone)

  const change = (part: Partial<Question>) => {
    setPast([])
    setQuestion({ ...question, ...part })
  }
  const replace = (next: Question) => {
    setPast([...past, question])
    setQuestion(next)
  }
  const redraw = (log: readonly DutyEvent[]) => {
    if (read.zone) replace({ ...question, text: formatLog(log, read.zone) })
  }
  const undo = () => {
    setQuestion(past.at(-1)!)
    setPast(past.slice(0, -1))
  }
  const refused =
    answer.kind === 'refused' && answer.where !== null ? { where: answer.where, reason: answer.reason } : null
  return (
    <Frame
      actions={
        <>
          {SAMPLES.map(({ name, question: sample }) => (
            <Button key={name} size="small" onClick={() => replace(sample)}>
              {name}
            </Button>
          ))}
          <Button
            size="small"
            tone="quiet"
            disabled={question.text === ''}
            onClick={() => replace({ ...emptyQuestion(fleet.timeZone), ruleset: question.ruleset })}
          >
            <Eraser aria-hidden className="size-3.5" />
            Clear
          </Button>
          <CopyLink question={question} home={fleet.timeZone} />
        </>
      }
    >
      <div className="flex min-w-0 flex-col gap-4 lg:row-span-2 xl:row-span-1">
        <section aria-labelledby="lab-question" className="rounded-lg border border-line bg-surface p-4">
          <h2 id="lab-question" className="mb-3 font-semibold">
            Question
          </h2>
          <QuestionForm question={question} read={read} onChange={change} />
        </section>
        <section aria-labelledby="lab-log" className="rounded-lg border border-line bg-surface p-4">
          <h2 id="lab-log" className="mb-2 font-semibold">
            Log
          </h2>
          <LogField
            text={question.text}
            parsed={parsed}
            refused={refused}
            onChange={(text) => change({ text })}
          />
        </section>
      </div>
      <Drawing
        log={preview ?? settled}
        settled={settled}
        ruleset={question.ruleset}
        zone={read.zone ?? zone('UTC')}
        dayStartMinutes={read.dayStartMinutes}
        asOf={read.asOf ?? settled.at(-1)?.at ?? null}
        violations={evaluation?.violations ?? []}
        today={today}
        locked={lockedBecause(read)}
        onPreview={setPreview}
        onDraw={redraw}
        onUndo={past.length > 0 ? undo : null}
      />
      <div className="min-w-0 self-start xl:sticky xl:top-4">
        <AnswerPanel
          answer={answer}
          timeZone={read.zone?.name ?? 'UTC'}
          ruleset={question.ruleset}
          onTranslate={() =>
            redraw(
              tidied(
                parsed.events.map(({ at, status }) => ({ at, status: statusIn(question.ruleset, status) })),
              ),
            )
          }
        />
      </div>
    </Frame>
  )
}

function lockedBecause({ zone, parsed, ordered }: ReturnType<typeof readQuestion>): string | null {
  if (!zone) return 'Name a zone that exists, and the log is drawn in it.'
  if (parsed.faults.length > 0)
    return 'Drawn is what could be read, not judged. Mend the faulty lines to draw here.'
  return ordered ? null : 'Drawn in order of time, not judged. Put the lines in order to draw here.'
}

/** Keeps the address at the question, so that a reload or a bookmark asks it again. */
function useAddress(question: Question, home: string): void {
  useEffect(() => {
    const timer = window.setTimeout(() => {
      const { pathname, search, hash } = window.location
      const next = fragmentOf(question, home)
      if (next !== hash) window.history.replaceState(null, '', `${pathname}${search}${next}`)
    }, ADDRESS_AFTER_MS)
    return () => window.clearTimeout(timer)
  }, [question, home])
}

/** The question as the end of an address; while nothing is asked, none. */
function fragmentOf(question: Question, home: string): string {
  const code = encodeQuestion(question)
  return code === encodeQuestion(emptyQuestion(home)) ? '' : `#${code}`
}

function CopyLink({ question, home }: { question: Question; home: string }) {
  const [copied, setCopied] = useState<Question | null>(null)
  const isCopied = copied === question
  useEffect(() => {
    if (!copied) return
    const timer = window.setTimeout(() => setCopied(null), COPIED_MS)
    return () => window.clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    const { origin, pathname } = window.location
    try {
      await navigator.clipboard.writeText(`${origin}${pathname}${fragmentOf(question, home)}`)
      setCopied(question)
    } catch {
      // Without https, or without leave.
      say('The browser does not let this page copy', {
        detail: 'The address above is the link.',
        tone: 'warning',
      })
    }
  }
  return (
    <Button size="small" tone="primary" className="w-28" onClick={() => void copy()}>
      {isCopied ? <Check aria-hidden className="size-3.5" /> : <Link2 aria-hidden className="size-3.5" />}
      <span aria-live="polite">{isCopied ? 'Copied' : 'Copy link'}</span>
    </Button>
  )
}

function Frame({ actions, children }: { actions: ReactNode; children: ReactNode }) {
  return (
    <div className="mx-auto flex w-full max-w-[100rem] flex-col gap-4 p-4">
      <header className="flex flex-wrap items-end gap-x-6 gap-y-3">
        <div>
          <h1 className="text-xl">Hours lab</h1>
          <p className="mt-0.5 text-muted">
            Hold a log against the rules. It stays in this browser; the link holds the whole question.
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-2 lg:ml-auto">{actions}</div>
      </header>
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)] xl:grid-cols-[20rem_minmax(0,1fr)_22rem]">
        {children}
      </div>
    </div>
  )
}

/** The page's parts in their places, until the browser has read the address. */
function Loading() {
  return (
    <Frame actions={<Skeleton className="h-7 w-80 max-w-full" />}>
      <Skeleton className="h-[44rem]" />
      <Skeleton className="h-64" />
      <Skeleton className="h-64" />
    </Frame>
  )
}
