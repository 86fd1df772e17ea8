import { type Advice, advise } from '../../server/hos/advice.ts'
import { type Course, comingBack, type Return, type Step } from '../../server/hos/forecast.ts'
import { DUTY_STATUSES, type DutyStatus } from '../../server/hos/types.ts'
import { HOUR, MINUTE } from '../../server/time/instant.ts'

/** A longer log would hold up the page: each answer evaluates it again. */
export const MOST_EVENTS_AHEAD = 2_000
/** A rest that brings nothing back in so long is not waited for. */
const BACK_WITHIN_MS = 72 * HOUR

export interface Ahead {
  advice: Advice
  back: Return[]
}

/** What may be done from the instant asked about on; null for a log too long to be asked again and again. */
export function aheadOf(course: Course): Ahead | null {
  if (course.log.length > MOST_EVENTS_AHEAD) return null
  return { advice: advise(course), back: comingBack(course, undefined, BACK_WITHIN_MS) }
}

/** "D 4h, ON 45m, D 6h30" as steps, or why it is none. */
export function parsePlan(text: string): { steps: Step[] } | { fault: string } {
  const steps: Step[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, word = '', hours = '0', minutes = '0'] =
      /^([A-Za-z]+)\s+(?=\d)(?:(\d{1,3})\s*h)?\s*(?:(\d{1,4})\s*(?:m|min)?)?$/.exec(part) ?? []
    const status = DUTY_STATUSES.find((one): one is DutyStatus => one === word.toUpperCase())
    if (!status) return { fault: `“${part}” is no step, such as D 4h or ON 45m.` }
    steps.push({ status, ms: Number(hours) * HOUR + Number(minutes) * MINUTE })
  }
  return { steps }
}
