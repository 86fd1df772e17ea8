import { ExportMaker } from '../exports/maker.ts'
import type { ReportAsked } from '../reports/schema.ts'
import { call, type Target } from './running.testing.ts'

/** Asks for a report as its page does, and makes it as the worker does. */
export async function exported(
  target: Target,
  cookie: string,
  report: ReportAsked,
): Promise<{ id: number; path: string }> {
  const { status, text } = await call(target, cookie, { path: 'exports.ask', type: 'mutation' }, { report })
  if (status !== 200) throw new Error(`asking for an export: ${status} ${text}`)
  const { id } = (JSON.parse(text) as { result: { data: { id: number } } }).result.data
  await makeExports(target)
  return { id, path: `/api/exports/${id}` }
}

/** All that are due. */
export async function makeExports({ pool }: Pick<Target, 'pool'>): Promise<void> {
  const maker = new ExportMaker(pool)
  while ((await maker.run(Date.now)) > 0) await maker.idle()
}
