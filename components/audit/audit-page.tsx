'use client'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import Link from 'next/link'
import { parseAsString, useQueryStates } from 'nuqs'
import { useRef, useState } from 'react'
import { AuditFilter } from '../../server/audit/schema.ts'
import { reasonOf, useTRPC, useTRPCClient } from '../api.tsx'
import { zoneName } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { ExportButton, ExportTrouble } from '../reports/export-button.tsx'
import { FileRows } from '../reports/export-list.tsx'
import { useExports } from '../reports/use-exports.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { DeedList } from './deed-list.tsx'

const PAGE = 100
/** Of the newest files; the others are on the page of exports. */
const MOST_FILES = 3

/** Who changed what in this fleet: found by a text or by days, page by page, or taken away as a table. */
export function AuditPage() {
  const trpc = useTRPC()
  const client = useTRPCClient()
  const { fleet } = useViewer()
  const [asked, setAsked] = useQueryStates(
    { text: parseAsString, from: parseAsString, until: parseAsString },
    { history: 'replace', shallow: true },
  )
  const [text, setText] = useState(asked.text ?? '')
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value))
  const checked = AuditFilter.safeParse(given)
  const filter = checked.success ? checked.data : {}
  const { data, error, isLoading, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } =
    useInfiniteQuery({
      queryKey: trpc.audit.list.queryKey({ ...filter, limit: PAGE }),
      queryFn: ({ pageParam }) => client.audit.list.query({ ...filter, limit: PAGE, before: pageParam }),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (rows) => (rows.length === PAGE ? rows.at(-1)?.sequence : undefined),
    })
  const rows = data?.pages.flat() ?? []
  const zoneNow = zoneName(useNow(), fleet.timeZone)
  const exports = useExports()
  const heading = useRef<HTMLHeadingElement>(null)
  const files = exports.rows?.filter(({ report, state }) => report.kind === 'audit' && state !== 'expired')
  return (
    <div className="mx-auto flex w-full max-w-7xl flex-col gap-4 p-4 md:p-6">
      <h1 ref={heading} tabIndex={-1} className="text-xl">
        Audit log
      </h1>
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault()
          void setAsked({ text: text.trim() || null })
        }}
      >
        <TextField
          label="Person, action or thing"
          type="search"
          maxLength={100}
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="min-w-52 flex-1"
        />
        {(['from', 'until'] as const).map((name) => (
          <TextField
            key={name}
            label={`${name === 'from' ? 'First' : 'Last'} day (${zoneNow})`}
            type="date"
            value={asked[name] ?? ''}
            onChange={(event) => void setAsked({ [name]: event.target.value || null })}
          />
        ))}
        <Button type="submit" tone="primary">
          Search
        </Button>
        <ExportButton exports={exports} report={{ kind: 'audit', ...filter }}>
          Export CSV
        </ExportButton>
      </form>
      <ExportTrouble exports={exports} />
      {files && files.length > 0 && (
        <FileRows exports={exports} rows={files.slice(0, MOST_FILES)} heading={heading} />
      )}
      {files && files.length > MOST_FILES && (
        <Link href="/export" className="self-start text-accent text-sm hover:underline">
          All your files
        </Link>
      )}
      {error ? (
        <Notice
          alert
          title="The audit log can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : isLoading ? (
        <div role="status" className="flex flex-col gap-2">
          <span className="sr-only">Loading the audit log…</span>
          {[1, 2, 3, 4].map((i) => (
            <Skeleton key={i} className="h-10 rounded-lg" />
          ))}
        </div>
      ) : rows.length === 0 ? (
        <Notice icon={ScrollText} title="Nothing is written there">
          {Object.keys(given).length > 0
            ? 'No deed fits this search.'
            : 'What people and devices change is written down here.'}
        </Notice>
      ) : (
        <DeedList rows={rows} timeZone={fleet.timeZone} />
      )}
      {hasNextPage && (
        <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()} className="mx-auto">
          Show older ones
        </Button>
      )}
    </div>
  )
}
