import type { ReactNode } from 'react'
import { Logo } from './logo.tsx'

/** What stands around everything before somebody is signed in. */
export function Entrance({
  title,
  text,
  children,
  below,
}: {
  title: string
  text: ReactNode
  children: ReactNode
  below?: ReactNode
}) {
  return (
    <main className="grid min-h-dvh place-items-center bg-ground p-4">
      <div className="w-full min-w-0 max-w-sm">
        <div className="mb-6 flex flex-col items-center gap-2 text-center">
          <Logo className="size-10" />
          <h1 className="font-semibold text-xl">{title}</h1>
          <p className="text-muted text-sm">{text}</p>
        </div>
        <div className="flex flex-col gap-4 rounded-xl border border-line bg-surface p-6 shadow-xs">
          {children}
        </div>
        {below}
      </div>
    </main>
  )
}

/** What went wrong, said at once; nothing while nothing did. */
export function Problem({ text }: { text: string }) {
  if (!text) return null
  return (
    <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
      {text}
    </p>
  )
}
