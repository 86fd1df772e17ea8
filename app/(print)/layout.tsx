import type { ReactNode } from 'react'

/** Paper: always light, whatever the screen's theme is. */
export default function PrintLayout({ children }: { children: ReactNode }) {
  return <div className="min-h-dvh paper bg-ground text-ink print:bg-white">{children}</div>
}
