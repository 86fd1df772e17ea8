'use client'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  TRPCClientError,
} from '@trpc/client'
import { createTRPCContext } from '@trpc/tanstack-react-query'
import { type ReactNode, useState } from 'react'
import type { AppRouter } from '../server/router.ts'

const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>()

export { useTRPC, useTRPCClient }

const URL = '/api/trpc'

function createClient() {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({ url: URL }),
        false: httpBatchLink({ url: URL, maxURLLength: 2_000 }),
      }),
    ],
  })
}
export type Client = ReturnType<typeof createClient>

/** The session has ended: back to the sign-in page, and from there to where the person was. */
export function leaveToSignIn(): void {
  const { pathname, search } = window.location
  if (pathname !== '/login') window.location.assign(`/login?next=${encodeURIComponent(pathname + search)}`)
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof TRPCClientError && error.data?.code === 'UNAUTHORIZED'
}

/** The sentence for a person about what failed. */
export function reasonOf(error: unknown): string {
  if (error instanceof TRPCClientError) {
    if (error.data) return error.message
    return 'The server can’t be reached. Check the connection and try again.'
  }
  return error instanceof Error ? error.message : 'Something broke.'
}

/**
 * Why a question has no answer yet, until it has one. The question itself forgets the reason whenever it is asked again, and the page
 * would show "loading" in its place every few seconds.
 */
export function useReason<Failure>({
  data,
  error,
}: {
  data: unknown
  error: Failure | null
}): Failure | null {
  const [last, setLast] = useState<Failure | null>(null)
  const reason = error ?? (data === undefined ? last : null)
  if (reason !== last) setLast(reason)
  return reason
}

function createQueryClient() {
  return new QueryClient({
    queryCache: new QueryCache({ onError: (error) => isSignedOut(error) && leaveToSignIn() }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // A refusal stays one however often it is asked for; a lost connection may come back.
        retry: (failures, error) => failures < 2 && !(error instanceof TRPCClientError && error.data),
      },
      mutations: { onError: (error) => void (isSignedOut(error) && leaveToSignIn()) },
    },
  })
}

/** The typed way to the server, for everything below. */
export function ApiProvider({ children }: { children: ReactNode }) {
  const [queryClient] = useState(createQueryClient)
  const [client] = useState(createClient)
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={client} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  )
}
