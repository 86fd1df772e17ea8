'use client'
import type { AuditRow } from '../../server/audit/schema.ts'
import { visible } from '../../server/text-schema.ts'
import { zonedDateTimeYear } from '../format.ts'
import { useNarrow } from '../ui/narrow.ts'
import { changesOf, withNames } from './changes.ts'

/** Deeds as a table; on a phone each is a card. What strangers and devices said is shown with what can't be seen in it. */
export function DeedList({ rows, timeZone }: { rows: readonly AuditRow[]; timeZone: string }) {
  const isNarrow = useNarrow()
  return isNarrow ? (
    <ul aria-label="Deeds" className="flex flex-col gap-2">
      {rows.map((row) => (
        <li
          key={row.sequence}
          className="flex flex-col gap-1.5 rounded-lg border border-line bg-surface px-3 py-2.5 text-sm"
        >
          <p className="flex flex-wrap items-baseline justify-between gap-x-3">
            <span className="wrap-anywhere font-medium">{row.action}</span>
            <span className="text-muted text-xs tabular-nums">{zonedDateTimeYear(row.at, timeZone)}</span>
          </p>
          <On row={row} />
          <Changes row={row} />
          <p className="wrap-anywhere text-muted text-xs">
            No. {row.sequence} by <Who row={row} />
            {row.address && `, from ${row.address}`}
          </p>
        </li>
      ))}
    </ul>
  ) : (
    <section aria-label="Deeds" className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full text-left text-sm">
        <thead className="border-line border-b text-muted text-xs">
          <tr>
            {['No.', 'When', 'Who', 'What', 'On', 'Before → after', 'From where'].map((title) => (
              <th key={title} scope="col" className="px-3 py-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.sequence} className="border-line border-b align-top last:border-0">
              <td className="px-3 py-2 tabular-nums">{row.sequence}</td>
              <td className="whitespace-nowrap px-3 py-2 tabular-nums">
                {zonedDateTimeYear(row.at, timeZone)}
              </td>
              <td className="wrap-anywhere min-w-32 px-3 py-2">
                <Who row={row} />
              </td>
              <td className="whitespace-nowrap px-3 py-2">{row.action}</td>
              <td className="min-w-48 px-3 py-2">
                <On row={row} />
              </td>
              <td className="min-w-56 px-3 py-2">
                <Changes row={row} />
              </td>
              <td className="px-3 py-2 text-muted text-xs">{row.address}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const Who = ({ row: { actorName, actorKind } }: { row: AuditRow }) => (
  <>
    <bdi>{visible(actorName)}</bdi>
    {actorKind !== 'person' && <span className="text-muted"> ({actorKind})</span>}
  </>
)

/** What people call the thing, and below it what the log calls it. */
function On({ row: { objectKind, objectId, objectName } }: { row: AuditRow }) {
  const kind = objectKind.replaceAll('-', ' ')
  const id = visible(objectId)
  return (
    <div className="wrap-anywhere">
      <p>
        <span className="text-muted">{kind}</span> <bdi>{objectName === null ? id : visible(objectName)}</bdi>
      </p>
      {objectName !== null && <p className="text-faint text-xs tabular-nums">{id}</p>}
    </div>
  )
}

function Changes({ row }: { row: AuditRow }) {
  // What the thing is called stands beside it already.
  const changes = changesOf(row.before, row.after).filter(
    ({ before, after }) => before !== null || !row.objectName?.split(' ').includes(after ?? ''),
  )
  if (changes.length === 0) return null
  const told = (field: string, text: string) => visible(withNames(field, text, row.fieldNames))
  return (
    <dl className="wrap-anywhere grid grid-cols-[fit-content(45%)_1fr] gap-x-2 text-xs">
      {changes.map(({ field, before, after }) => (
        <div key={field} className="contents">
          <dt className="text-muted">{field}</dt>
          <dd className="min-w-0">
            {before !== null && <span className="text-muted">{told(field, before)}</span>}
            {before !== null && ' → '}
            {after === null ? <span className="text-muted">none</span> : told(field, after)}
          </dd>
        </div>
      ))}
    </dl>
  )
}
