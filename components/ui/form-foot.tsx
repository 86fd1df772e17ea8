import { Button } from './button.tsx'

/** The last row of a form in a dialog: leave it, or do it. */
export function FormFoot({ submit, busy, onCancel }: { submit: string; busy: boolean; onCancel(): void }) {
  return (
    <div className="flex shrink-0 justify-end gap-2 border-line border-t p-4">
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" tone="primary" busy={busy}>
        {submit}
      </Button>
    </div>
  )
}
