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
 * For a question that is asked again and again: not before it was answered once. Else the reason why it wasn't would give way to
 * "loading" with each attempt; whoever reads it can try again.
 */
export const everyMs =
  (ms: number) =>
  ({ state }: { state: { data: unknown } }): number | false =>
    state.data === undefined ? false : ms

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
