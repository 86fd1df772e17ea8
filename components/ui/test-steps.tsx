import { Check, X } from 'lucide-react'
import type { Step } from '../../server/auth/provider-schema.ts'

/** How each step of a test went. */
export function TestSteps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol aria-label="Steps of the test" className="flex flex-col gap-1.5">
      {steps.map(({ title, ok, detail, ms }) => (
        <li key={title} className="flex items-start gap-2 text-sm">
          {ok ? (
            <Check aria-label="Went well" className="mt-0.5 size-4 shrink-0 text-good" />
          ) : (
            <X aria-label="Failed" className="mt-0.5 size-4 shrink-0 text-danger" />
          )}
          <span className="min-w-0">
            <span className="font-medium">{title}</span>
            <span className="text-muted text-xs tabular-nums"> {ms} ms</span>
            {detail && <span className="wrap-anywhere block text-muted text-xs">{detail}</span>}
          </span>
        </li>
      ))}
    </ol>
  )
}
