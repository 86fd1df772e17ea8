'use client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { ExportRow } from '../../server/exports/schema.ts'
import type { ReportAsked } from '../../server/reports/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { fileSize, plural } from '../format.ts'

/** While something is being made it is asked for so often. */
const LOOK_MS = 600

export const isUnfinished = ({ state }: ExportRow) => state === 'queued' || state === 'running'

/** Where the browser fetches a file. */
export const fileHref = (id: number) => `/api/exports/${id}`

function beginDownload(id: number): void {
  const link = document.createElement('a')
  link.href = fileHref(id)
  link.download = ''
  link.click()
}

/**
 * A person's exports as they are made. What is asked for here is downloaded by itself once it is ready, while the page that asked is
 * still open; asked for elsewhere or before, it waits in the list.
 * @param options.watch false: nothing is asked for until something is exported here
 */
export function useExports({ watch = true }: { watch?: boolean } = {}) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const { queryKey } = trpc.exports.list.queryOptions()
  const awaited = useRef(new Set<number>())
  const [hasAsked, setHasAsked] = useState(false)
  const [said, setSaid] = useState('')
  const list = useQuery(
    trpc.exports.list.queryOptions(undefined, {
      enabled: watch || hasAsked,
      refetchInterval: ({ state }) => (state.data?.some(isUnfinished) ? LOOK_MS : false),
    }),
  )
  const ask = useMutation(
    trpc.exports.ask.mutationOptions({
      onMutate: () => setSaid(''),
      onSuccess: (row) => {
        awaited.current.add(row.id)
        setHasAsked(true)
        setSaid(`${row.fileName} is being made.`)
        queries.setQueryData(queryKey, (rows: ExportRow[] = []) => [row, ...rows])
        void queries.invalidateQueries({ queryKey })
      },
    }),
  )
  const remove = useMutation(
    trpc.exports.remove.mutationOptions({
      onSuccess: (_, { id }) => {
        awaited.current.delete(id)
        queries.setQueryData(queryKey, (rows: ExportRow[] = []) => rows.filter((row) => row.id !== id))
      },
      // Whatever became of it, the list knows.
      onSettled: () => void queries.invalidateQueries({ queryKey }),
    }),
  )
  const { data } = list
  useEffect(() => {
    for (const row of data ?? []) {
      if (isUnfinished(row) || !awaited.current.delete(row.id)) continue
      if (row.state === 'ready') {
        setSaid(
          `${row.fileName} is ready: ${plural(row.rows, 'row', 'rows')}, ${fileSize(row.bytes)}. The download begins.`,
        )
        beginDownload(row.id)
      } else if (row.state === 'failed') setSaid(`${row.fileName} failed: ${row.problem}`)
    }
  }, [data])
  return {
    rows: data,
    list,
    remove,
    ask: (report: ReportAsked) => ask.mutate({ report }),
    /** What was asked for here is on its way. */
    isBusy: ask.isPending || Boolean(data?.some((row) => awaited.current.has(row.id))),
    /** It couldn't be asked for. */
    refused: ask.error ? reasonOf(ask.error) : null,
    /** The network is away: what was asked for goes out when it is back. */
    isHeldUp: ask.isPaused,
    /** The last that happened here, as a sentence. */
    said,
  }
}
export type Exports = ReturnType<typeof useExports>
