'use client'
import { TriangleAlert } from 'lucide-react'
import { Button } from '../../components/ui/button.tsx'
import { Notice } from '../../components/ui/notice.tsx'

export default function Broken({ reset }: { error: Error; reset: () => void }) {
  return (
    <Notice
      alert
      icon={TriangleAlert}
      title={<h1>This page broke</h1>}
      action={
        <Button tone="primary" onClick={reset}>
          Try again
        </Button>
      }
    >
      What you saw before is still true on the server. If it happens again, reload the page.
    </Notice>
  )
}
