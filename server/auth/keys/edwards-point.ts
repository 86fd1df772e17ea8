/** The field and the curve constant of edwards25519 (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n
const mod = (value: bigint) => ((value % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let [result, square, left] = [1n, mod(base), exponent]
  while (left > 0n) {
    if (left & 1n) result = (result * square) % P
    square = (square * square) % P
    left >>= 1n
  }
  return result
}

const inverse = (value: bigint) => power(value, P - 2n)
const D = mod(-121665n * inverse(121666n))
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n)

/**
 * What 32 bytes are as an Ed25519 public key: a `sound` point, a `weak` one of small order, under which signatures can be
 * made without any private key, or `none`: no point at all, or one in a second spelling (RFC 8032 section 5.1.3).
 * node:crypto takes all three, so enrolment asks here. Takes a fraction of a millisecond; not constant-time, the key is public.
 */
export function kindOfEdwardsPoint(bytes: Uint8Array): 'sound' | 'weak' | 'none' {
  if (bytes.length !== 32) return 'none'
  const number = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const y = number & (2n ** 255n - 1n)
  const xIsOdd = number >> 255n
  if (y >= P) return 'none'
  const u = mod(y * y - 1n)
  const v = mod(D * y * y + 1n)
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n))
  const check = mod(v * x * x)
  if (check === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE)
  else if (check !== u) return 'none'
  if (x === 0n && xIsOdd === 1n) return 'none'
  if ((x & 1n) !== xIsOdd) x = P - x
  // The cofactor is 8: three doublings bring every point of small order to the neutral one.
  let [X, Y, Z] = [x, y, 1n]
  for (let doubling = 0; doubling < 3; doubling++) {
    const [C, E, H] = [mod(X * X), mod(Y * Y), mod(Z * Z)]
    const F = mod(E - C)
    const J = mod(F - 2n * H)
    ;[X, Y, Z] = [mod(((X + Y) ** 2n - C - E) * J), mod(F * (-C - E)), mod(F * J)]
  }
  return X === 0n && Y === Z ? 'weak' : 'sound'
}
