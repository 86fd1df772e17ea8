/** How a truck is shown on the map; alerts are kept apart from it. */
export const VehicleState = {
  /** Parked: ignition off, or the driver is off duty and the truck stands. */
  off: 0,
  /** Standing with the driver at work. */
  idle: 1,
  moving: 2,
  /** Nothing heard for longer than the fleet allows; the position is the last one known. */
  silent: 3,
} as const
export type VehicleState = (typeof VehicleState)[keyof typeof VehicleState]

/** `headingDegrees` of a truck whose heading is not known. */
export const HEADING_UNKNOWN = -1

/**
 * The newest positions of some trucks, as columns: index i of each array is one truck. This is both the snapshot and
 * the live update, because columns of whole numbers are a sixth of the size of a list of objects as JSON.
 */
export interface PositionFrame {
  vehicleId: number[]
  /** Units of 1e-5 degree (about a meter), whole numbers. */
  latitude: number[]
  /** Units of 1e-5 degree, whole numbers. */
  longitude: number[]
  speedKph: number[]
  /** Whole degrees clockwise from north, or HEADING_UNKNOWN. */
  headingDegrees: number[]
  /** When the truck was there, seconds since 1970 UTC. */
  fixTime: number[]
  /** When we heard of it, seconds since 1970 UTC. */
  receivedTime: number[]
  state: number[]
}

/** One truck's newest position, in everyday units. */
export interface FramePosition {
  vehicleId: number
  latitude: number
  longitude: number
  speedKph: number
  /** Null when not known. */
  headingDegrees: number | null
  /** Epoch milliseconds. */
  fixTime: number
  /** Epoch milliseconds. */
  receivedTime: number
  state: VehicleState
}

export function emptyFrame(): PositionFrame {
  return {
    vehicleId: [],
    latitude: [],
    longitude: [],
    speedKph: [],
    headingDegrees: [],
    fixTime: [],
    receivedTime: [],
    state: [],
  }
}

/** Appends one position to a frame, rounded to the frame's units. */
export function pushPosition(frame: PositionFrame, position: FramePosition): void {
  frame.vehicleId.push(position.vehicleId)
  frame.latitude.push(Math.round(position.latitude * 1e5))
  frame.longitude.push(Math.round(position.longitude * 1e5))
  frame.speedKph.push(Math.round(position.speedKph))
  frame.headingDegrees.push(
    position.headingDegrees === null ? HEADING_UNKNOWN : Math.round(position.headingDegrees) % 360,
  )
  frame.fixTime.push(Math.floor(position.fixTime / 1000))
  frame.receivedTime.push(Math.floor(position.receivedTime / 1000))
  frame.state.push(position.state)
}

/** Positions as one frame. */
export function encodeFrame(positions: Iterable<FramePosition>): PositionFrame {
  const frame = emptyFrame()
  for (const position of positions) pushPosition(frame, position)
  return frame
}

/** A frame as positions; for tests, lists and anything that is not hot. Throws RangeError if the columns differ in length. */
export function decodeFrame(frame: PositionFrame): FramePosition[] {
  const count = frame.vehicleId.length
  for (const [name, column] of Object.entries(frame) as [string, number[]][]) {
    if (column.length !== count) throw new RangeError(`frame column ${name} has ${column.length} of ${count}`)
  }
  return frame.vehicleId.map((vehicleId, i) => ({
    vehicleId,
    latitude: frame.latitude[i]! / 1e5,
    longitude: frame.longitude[i]! / 1e5,
    speedKph: frame.speedKph[i]!,
    headingDegrees: frame.headingDegrees[i]! < 0 ? null : frame.headingDegrees[i]!,
    fixTime: frame.fixTime[i]! * 1000,
    receivedTime: frame.receivedTime[i]! * 1000,
    state: frame.state[i]! as VehicleState,
  }))
}
