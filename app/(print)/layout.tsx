import type { ReactNode } from 'react'

/** Paper: always light, whatever the screen's theme is. */
export default function PrintLayout({ children }: { children: ReactNode }) {
  return <div className="min-h-dvh bg-ground text-ink scheme-light print:bg-white">{children}</div>
}
