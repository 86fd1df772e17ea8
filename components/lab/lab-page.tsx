'use client'
import { Check, Eraser, Link2, TriangleAlert } from 'lucide-react'
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import type { Regime } from '../../server/hos/border.ts'
import type { GapEvent } from '../../server/hos/gaps.ts'
import type { RulesetId, Violation } from '../../server/hos/types.ts'
import { zone } from '../../server/time/zone.ts'
import { BlockedButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Button } from '../ui/button.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { say } from '../ui/toast.tsx'
import { AnswerPanel } from './answer-panel.tsx'
import { tidied } from './draw.ts'
import { Drawing } from './drawing.tsx'
import type { LabBorder } from './lab-grid.tsx'
import { decodeQuestion, encodeQuestion } from './link.ts'
import { LogField } from './log-field.tsx'
import { formatLog } from './log-text.ts'
import { type Answer, answerOf, emptyQuestion, type Question, readQuestion } from './question.ts'
import { QuestionForm } from './question-form.tsx'
import { statusIn } from './rulesets.ts'
import { SAMPLES } from './samples.ts'

/** Browsers let a page change its address a hundred times in half a minute, so it waits for a pause. */
const ADDRESS_AFTER_MS = 300
const COPIED_MS = 2_000

interface Opened {
  /** Counts what was opened. */
  key: number
  question: Question
  /** The address held something that is no question. */
  unreadable: boolean
  today: number
}

/** A log held against the rules, in this browser alone. */
export function LabPage() {
  const { fleet } = useViewer()
  const [opened, setOpened] = useState<Opened | null>(null)
  // The question is in the fragment: unlike a query it is never sent to the server, so nobody else reads the log. That also
  // means that only the browser can draw the page.
  useEffect(() => {
    const open = () => {
      const code = window.location.hash.slice(1)
      const found = code === '' ? null : decodeQuestion(code)
      const question = found ?? emptyQuestion(fleet.timeZone)
      setOpened((before) => ({
        key: (before?.key ?? 0) + 1,
        question,
        unreadable: code !== '' && !found,
        today: Date.now(),
      }))
    }
    open()
    window.addEventListener('hashchange', open)
    return () => window.removeEventListener('hashchange', open)
  }, [fleet.timeZone])
  if (!opened) return <Loading />
  const { key, ...rest } = opened
  return <Lab key={key} {...rest} />
}

function Lab({ question: start, unreadable, today }: Omit<Opened, 'key'>) {
  const { fleet } = useViewer()
  const [question, setQuestion] = useState(start)
  /** What drawing and samples have replaced. */
  const [past, setPast] = useState<readonly Question[]>([])
  const [preview, setPreview] = useState<GapEvent[] | null>(null)
  const read = useMemo(() => readQuestion(question), [question])
  // A long log takes longer to judge than a key may take, so the answer may follow a moment after the text.
  const { ruleset } = question
  const asked = useDeferredValue(useMemo(() => ({ ruleset, read, preview }), [ruleset, read, preview]))
  const answer = useMemo(() => answerOf(asked.ruleset, asked.read, asked.preview ?? undefined), [asked])
  const { parsed, ordered } = read
  const { violations, possible } = shadedOf(answer)
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
  const redraw = (log: readonly GapEvent[]) => {
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
          <span className="text-muted text-xs">Samples</span>
          {SAMPLES.map(({ name, question: sample }) => (
            <Button key={name} size="small" onClick={() => replace(sample)}>
              {name}
            </Button>
          ))}
          <BlockedButton
            why={question.text === '' ? 'The log is empty already.' : null}
            size="small"
            tone="quiet"
            onClick={() => replace({ ...emptyQuestion(fleet.timeZone), ruleset: question.ruleset })}
          >
            <Eraser aria-hidden className="size-3.5" />
            Clear
          </BlockedButton>
          <CopyLink question={question} home={fleet.timeZone} />
        </>
      }
    >
      {unreadable && question === start && (
        <p
          role="alert"
          className="flex items-center gap-2 rounded-lg border border-warning-fill/50 bg-warning-soft px-4 py-3 text-warning lg:col-span-full"
        >
          <TriangleAlert aria-hidden className="size-4 shrink-0" />
          This link can’t be read; it may have been cut short. The lab starts empty.
        </p>
      )}
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
        // Another zone has other days; a cursor of this one would point nowhere there.
        key={read.zone?.name}
        log={preview ?? settled}
        settled={settled}
        ruleset={question.ruleset}
        zone={read.zone ?? zone('UTC')}
        dayStartMinutes={read.dayStartMinutes}
        asOf={read.asOf ?? settled.at(-1)?.at ?? null}
        violations={violations}
        possible={possible}
        borders={bordersOf(question.ruleset, read.regimes)}
        today={today}
        locked={lockedBecause(read)}
        onPreview={setPreview}
        onDraw={redraw}
        onUndo={past.length > 0 ? undo : null}
      />
      <div className="min-w-0 self-start xl:sticky xl:top-4">
        <AnswerPanel
          answer={answer}
          timeZone={asked.read.zone?.name ?? 'UTC'}
          ruleset={asked.ruleset}
          plan={question.plan}
          onPlan={(plan) => change({ plan })}
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

const NOTHING: readonly Violation[] = []

/** What the drawing shades: broken for sure, and perhaps. */
function shadedOf(answer: Answer): { violations: readonly Violation[]; possible: readonly Violation[] } {
  if (answer.kind === 'judged') return { violations: answer.evaluation.violations, possible: NOTHING }
  if (answer.kind === 'gapped')
    return { violations: answer.evaluation.proven, possible: answer.evaluation.possible }
  return { violations: NOTHING, possible: NOTHING }
}

/** The rules before and after each border that could be read. */
const bordersOf = (first: RulesetId, regimes: readonly Regime[]): LabBorder[] =>
  regimes.map(({ from, ruleset }, i) => ({
    at: from,
    before: regimes[i - 1]?.ruleset ?? first,
    after: ruleset,
  }))

function lockedBecause({ zone, parsed, ordered }: ReturnType<typeof readQuestion>): string | null {
  if (!zone) return 'Name a zone that exists, and the log is drawn in it.'
  if (parsed.faults.length > 0)
    return 'Drawn is what could be read, not judged. Mend the faulty lines to draw here.'
  return ordered ? null : 'Drawn in order of time, not judged. Put the lines in order to draw here.'
}

/** Keeps the address at the question, so that a reload or a bookmark asks it again. */
function useAddress(question: Question, home: string): void {
  const opened = useRef<Question | null>(question)
  useEffect(() => {
    // What was opened stands in the address already, or can't be read and is left for who wants to look at it.
    const untouched = question === opened.current
    // An undo may come back to it when the address has long gone on.
    if (!untouched) opened.current = null
    const path = window.location.pathname
    const write = () => {
      const { pathname, search, hash } = window.location
      const next = fragmentOf(question, home)
      if (pathname === path && next !== hash && (hash === '' || !untouched))
        window.history.replaceState(null, '', `${pathname}${search}${next}`)
    }
    const timer = window.setTimeout(write, ADDRESS_AFTER_MS)
    // The link to this page, pressed on this page, takes the fragment away and tells nobody but the browser.
    const navigation = 'navigation' in window ? window.navigation : null
    navigation?.addEventListener('currententrychange', write)
    return () => {
      window.clearTimeout(timer)
      navigation?.removeEventListener('currententrychange', write)
    }
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
      <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[22rem_minmax(0,1fr)] xl:grid-cols-[22rem_minmax(0,1fr)_22rem]">
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
