import { BedDouble, Briefcase, Car, CirclePause, Forklift, type LucideIcon } from 'lucide-react'
import type { DutyStatus } from '../../server/hos/types.ts'
import { Badge, type Tone } from '../ui/badge.tsx'
import { STATUS_WORDS } from './clocks.ts'

const LOOK: Record<DutyStatus, { tone: Tone; icon: LucideIcon }> = {
  OFF: { tone: 'neutral', icon: CirclePause },
  SB: { tone: 'rest', icon: BedDouble },
  D: { tone: 'good', icon: Car },
  ON: { tone: 'accent', icon: Briefcase },
  PC: { tone: 'neutral', icon: Car },
  YM: { tone: 'accent', icon: Forklift },
  REST: { tone: 'neutral', icon: CirclePause },
  DRIVE: { tone: 'good', icon: Car },
  WORK: { tone: 'accent', icon: Briefcase },
  POA: { tone: 'accent', icon: CirclePause },
  FERRY: { tone: 'rest', icon: BedDouble },
}

/** A duty status by word, icon and colour. */
export function StatusBadge({ status, className }: { status: DutyStatus; className?: string }) {
  const { tone, icon: Icon } = LOOK[status]
  return (
    <Badge tone={tone} className={className}>
      <Icon aria-hidden className="size-3" />
      {STATUS_WORDS[status]}
    </Badge>
  )
}
