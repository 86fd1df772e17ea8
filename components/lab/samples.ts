import { emptyQuestion, type Question } from './question.ts'

export interface Sample {
  name: string
  question: Question
}

const log = (...lines: string[]) => lines.join('\n')

/** Logs to start from: one that breaks a rule, one that a rule only just allows, one from Europe. */
export const SAMPLES: readonly Sample[] = [
  {
    name: '11 hours passed',
    question: {
      ...emptyQuestion('America/Chicago'),
      asOf: '2026-03-02T21:00',
      text: log(
        '2026-03-01 20:00 OFF',
        '2026-03-02 06:00 ON',
        '2026-03-02 06:30 D',
        '2026-03-02 10:30 OFF',
        '2026-03-02 11:00 D',
        '2026-03-02 18:45 ON',
        '2026-03-02 19:15 OFF',
      ),
    },
  },
  {
    name: 'Split sleeper 7/3',
    question: {
      ...emptyQuestion('America/Chicago'),
      asOf: '2026-03-03T09:00',
      text: log(
        '2026-03-01 18:00 OFF',
        '2026-03-02 06:00 ON',
        '2026-03-02 06:15 D',
        '2026-03-02 12:00 OFF',
        '2026-03-02 15:00 D',
        '2026-03-02 20:00 SB',
        '2026-03-03 03:00 D',
        '2026-03-03 08:30 ON',
      ),
    },
  },
  {
    name: 'EU day with a reduced rest',
    question: {
      ...emptyQuestion('Europe/Berlin'),
      ruleset: 'eu-561',
      asOf: '2026-03-03T16:00',
      text: log(
        '2026-03-01 18:00 REST',
        '2026-03-02 06:00 WORK',
        '2026-03-02 06:15 DRIVE',
        '2026-03-02 10:30 REST',
        '2026-03-02 11:15 DRIVE',
        '2026-03-02 15:30 WORK',
        '2026-03-02 17:00 POA',
        '2026-03-02 18:00 WORK',
        '2026-03-02 20:30 REST',
        '2026-03-03 06:00 DRIVE',
        '2026-03-03 10:15 REST',
        '2026-03-03 11:00 DRIVE',
        '2026-03-03 15:30 WORK',
      ),
    },
  },
]
