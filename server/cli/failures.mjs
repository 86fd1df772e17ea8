// What failed in a run, told in short at its end: a log that keeps only its last lines must still name every failure.
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** @typedef {{ where: string, error: string }} Failure where: what failed, in one line; error: what it said, whole */

const LINE_AT_MOST = 200
const LINES_AT_MOST = 25

/**
 * Every failure by name, and of its error as many lines as there is room for.
 * @param {Failure[]} failures
 * @param {number} atMost characters
 */
export function tellFailures(failures, atMost = 6_000) {
  const said = failures.map(({ where, error }) => [`✖ ${where}`, ...wordsOf(error)])
  const tell = (lines) => said.map((words) => words.slice(0, 1 + lines).join('\n')).join('\n')
  for (const lines of [LINES_AT_MOST, 12, 6, 3, 1, 0]) {
    const told = tell(lines)
    if (told.length <= atMost) return told
  }
  const names = tell(0).slice(0, atMost).split('\n').slice(0, -1)
  return [...names, `… and ${failures.length - names.length} more`].join('\n')
}

/** The first lines, without colours and the runner's own part of a stack. */
const wordsOf = (error) =>
  stripVTControlCharacters(error.slice(0, 20_000))
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*node:internal\//.test(line))
    .slice(0, LINES_AT_MOST)
    .map((line) => `    ${line}`.slice(0, LINE_AT_MOST))

/**
 * The walks of Playwright's JSON report that failed, or passed only the second time.
 * @param {{ suites?: any[], errors?: any[] }} report
 * @returns {Failure[]}
 */
export function failedWalks({ suites = [], errors = [] }) {
  const walks = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(walks)]
  return [
    ...suites.flatMap(walks).flatMap(({ file, title, tests }) =>
      tests
        .filter(({ status }) => status === 'unexpected' || status === 'flaky')
        .map(({ results }) => ({
          where: `${file}: ${title}`,
          error: messagesOf(results.find(({ errors }) => errors.length > 0)?.errors ?? []),
        })),
    ),
    // Of no walk: a file that can't be read, a worker that died.
    ...errors.map((error) => ({ where: 'browser', error: messagesOf([error]) })),
  ]
}

const messagesOf = (errors) => errors.map(({ message, value }) => message ?? value ?? '').join('\n')

/**
 * A test that failed, as the runner tells of it (`test:fail` of node:test).
 * @returns {Failure | undefined} undefined when it failed only because a test in it did, which is told itself
 */
export function failedTest({ name, file, todo, details }) {
  const { failureType, cause, message, stack } = details.error
  if (failureType === 'subtestsFailed' || (todo !== undefined && todo !== false)) return undefined
  const from = file ? path.relative(process.cwd(), file) : 'unit'
  const error = cause?.stack ?? (typeof cause === 'string' ? cause : (stack ?? message))
  return { where: name === file ? from : `${from}: ${name}`, error: String(error) }
}
