import assert from 'node:assert/strict'
import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { httpbis } from 'http-message-signatures'
import fc from '../../property.testing.ts'
import { type SignatureAlgorithm, signData, VerifyingKey } from './algorithm.ts'
import { contentDigestField, contentOf, digestMatches, parseContentDigest } from './content-digest.ts'
import { FieldValues, type HeaderFields, type HttpRequest, type HttpResponse } from './http-message.ts'
import { readSignatures, signatureBase, signatureInput, verifySignature } from './http-signature.ts'
import { signMessage } from './sign.testing.ts'
import { type InnerList, parseList } from './structured-field.ts'

const ORIGIN = 'https://www.example.com'

function requestOf(headers: HeaderFields, target = '/path?param=value', origin = ORIGIN): HttpRequest {
  return { kind: 'request', method: 'POST', origin, target, fields: new FieldValues(headers) }
}

function inputOf(text: string): InnerList {
  const [member] = parseList(text) ?? []
  assert.ok(member?.kind === 'list', text)
  return member
}

/** The lines of the base for components in the notation of a Signature-Input; or the fault. */
function linesOf(components: string, message: HttpRequest | HttpResponse): string[] | string {
  const built = signatureBase(inputOf(`(${components})`), message)
  return built.ok ? built.base.split('\n').slice(0, -1) : built.fault
}

describe('the signature base', () => {
  test('derived components have the values of RFC 9421 section 2.2', () => {
    const request = requestOf([], '/path?param=value&foo=bar', 'https://WWW.Example.com:443')
    assert.deepEqual(
      linesOf('"@method" "@authority" "@scheme" "@request-target" "@path" "@query"', request),
      [
        '"@method": POST',
        '"@authority": www.example.com',
        '"@scheme": https',
        '"@request-target": /path?param=value&foo=bar',
        '"@path": /path',
        '"@query": ?param=value&foo=bar',
      ],
    )
    assert.deepEqual(linesOf('"@target-uri"', requestOf([])), [
      '"@target-uri": https://www.example.com/path?param=value',
    ])
    assert.deepEqual(linesOf('"@query"', requestOf([], '/path')), ['"@query": ?'])
    assert.deepEqual(linesOf('"@query"', requestOf([], '/path?queryString')), ['"@query": ?queryString'])
    assert.deepEqual(linesOf('"@path"', requestOf([], '')), ['"@path": /'])
    assert.deepEqual(linesOf('"@authority"', requestOf([], '/', 'http://a.example:80')), [
      '"@authority": a.example',
    ])
    assert.deepEqual(linesOf('"@authority"', requestOf([], '/', 'http://a.example:443')), [
      '"@authority": a.example:443',
    ])
  })

  test('query parameters are decoded, found and encoded again', () => {
    const target =
      '/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something&qux=&dup=1&dup=2'
    const request = requestOf([], target)
    assert.deepEqual(
      linesOf(
        '"@query-param";name="var" "@query-param";name="bar" "@query-param";name="fa%C3%A7ade%22%3A%20" "@query-param";name="qux"',
        request,
      ),
      [
        '"@query-param";name="var": this%20is%20a%20big%0Amultiline%20value',
        '"@query-param";name="bar": with%20plus%20whitespace',
        '"@query-param";name="fa%C3%A7ade%22%3A%20": something',
        '"@query-param";name="qux": ',
      ],
    )
    assert.equal(linesOf('"@query-param";name="none"', request), 'component_absent')
    assert.equal(linesOf('"@query-param";name="dup"', request), 'malformed')
    assert.equal(linesOf('"@query-param"', request), 'malformed')
    // The query behind the first question mark is ?a=1&a=2.
    assert.deepEqual(
      linesOf('"@query-param";name="%3Fa" "@query-param";name="a"', requestOf([], '/??a=1&a=2')),
      ['"@query-param";name="%3Fa": 1', '"@query-param";name="a": 2'],
    )
    assert.equal(linesOf('"@query-param";name=token', request), 'malformed')
    assert.equal(linesOf('"@path";name="x"', request), 'malformed')
  })

  test('the dictionary of RFC 9421 sections 2.1.1 and 2.1.2, written anew and member by member', () => {
    const request = requestOf([['Example-Dict', ' a=1,    b=2;x=1;y=2,   c=(a   b   c), d']])
    assert.deepEqual(linesOf('"example-dict" "example-dict";sf "example-dict";key="d"', request), [
      '"example-dict": a=1,    b=2;x=1;y=2,   c=(a   b   c), d',
      '"example-dict";sf: a=1, b=2;x=1;y=2, c=(a b c), d',
      '"example-dict";key="d": ?1',
    ])
  })

  test('fields are trimmed, unfolded and joined; ;bs, ;sf and ;key as in RFC 9421 section 2.1', () => {
    const request = requestOf([
      ['Host', 'www.example.com'],
      ['X-OWS-Header', '   Leading and trailing whitespace.\t  '],
      ['X-Obs-Fold-Header', 'Obsolete\r\n    line folding.'],
      ['Cache-Control', 'max-age=60'],
      ['cache-CONTROL', '   must-revalidate'],
      ['Priority', '  u=1,    i;foo=9,b=(1  2  );c'],
      ['Empty', ''],
      ['X', 'value, with, lots'],
      ['x', 'of, commas'],
    ])
    assert.deepEqual(
      linesOf(
        '"host" "x-ows-header" "x-obs-fold-header" "cache-control" "empty" "priority" "priority";sf',
        request,
      ),
      [
        '"host": www.example.com',
        '"x-ows-header": Leading and trailing whitespace.',
        '"x-obs-fold-header": Obsolete line folding.',
        '"cache-control": max-age=60, must-revalidate',
        '"empty": ',
        '"priority": u=1,    i;foo=9,b=(1  2  );c',
        '"priority";sf: u=1, i;foo=9, b=(1 2);c',
      ],
    )
    assert.deepEqual(linesOf('"priority";key="u" "priority";key="i" "priority";key="b" "x";bs', request), [
      '"priority";key="u": 1',
      '"priority";key="i": ?1;foo=9',
      '"priority";key="b": (1 2);c',
      '"x";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:',
    ])
    assert.equal(linesOf('"priority";key="none"', request), 'component_absent')
    assert.equal(linesOf('"none"', request), 'component_absent')
    assert.equal(linesOf('"host";key="a"', requestOf([['Host', 'a b']])), 'malformed')
    for (const bad of [
      ...[
        '"host";sf',
        '"x";bs;sf',
        '"x";bs;key="a"',
        '"Host"',
        '"host";tr',
        '"host";req',
        '"host";other',
        '"host";sf=?0',
      ],
      ...[
        '"host";key',
        '"host";name="a"',
        '"@status"',
        '"@signature-params"',
        '"@other"',
        '""',
        '"ho st"',
        'host',
        '1',
      ],
    ]) {
      assert.equal(linesOf(bad, request), 'malformed', bad)
    }
  })

  test('a component that comes twice is refused, also under another order of spelling', () => {
    const request = requestOf([['Priority', 'u=1']])
    assert.equal(linesOf('"@method" "@path" "@method"', request), 'malformed')
    assert.equal(linesOf('"priority" "priority"', request), 'malformed')
    assert.equal(linesOf('"priority";sf;key="u" "priority";key="u";sf', request), 'malformed')
    assert.deepEqual(linesOf('"priority" "priority";key="u";sf', request), [
      '"priority": u=1',
      '"priority";key="u";sf: 1',
    ])
  })

  test('no value can bring a line or bytes of its own', () => {
    for (const value of ['\u00a0', '\v', '\u2028', '\ufeff', '\n', '\r\n']) {
      assert.equal(linesOf('"x"', requestOf([['X', `1${value}`]])), 'malformed', JSON.stringify(value))
    }
    for (const value of ['a\nb', 'a\rb', 'a\r\nb', 'a\0b', 'ü', 'a\u007fb', '\u2028']) {
      assert.equal(linesOf('"x"', requestOf([['X', `1${value}2`]])), 'malformed', JSON.stringify(value))
    }
    assert.equal(linesOf('"@target-uri"', requestOf([], '/a\n"@path": /b')), 'malformed')
    assert.equal(linesOf('"@method"', { ...requestOf([]), method: 'GET\n' }), 'malformed')
  })

  test('it does not depend on blanks in the field, and ends with the parameters', () => {
    const built = signatureBase(inputOf('(  "@method"   "@path" );  created=1;keyid="a\\"b"'), requestOf([]))
    assert.ok(built.ok)
    assert.equal(
      built.base,
      '"@method": POST\n"@path": /path\n"@signature-params": ("@method" "@path");created=1;keyid="a\\"b"',
    )
  })

  test('a response may cover its request', () => {
    const request = requestOf([['Content-Type', 'text/plain']])
    const response: HttpResponse = {
      kind: 'response',
      status: 204,
      fields: new FieldValues([['Age', '1']]),
      request,
    }
    assert.deepEqual(linesOf('"@status" "age" "@method";req "content-type";req', response), [
      '"@status": 204',
      '"age": 1',
      '"@method";req: POST',
      '"content-type";req: text/plain',
    ])
    assert.equal(linesOf('"@method"', response), 'malformed')
    assert.equal(linesOf('"@status";req', response), 'malformed')
    assert.equal(linesOf('"@method";req', { ...response, request: undefined }), 'malformed')
  })
})

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const secret = createSecretKey(randomBytes(32))
const PAIRS: [SignatureAlgorithm, { privateKey: KeyObject; publicKey: KeyObject }][] = [
  ['ed25519', generateKeyPairSync('ed25519')],
  ['ecdsa-p256-sha256', ec('P-256')],
  ['ecdsa-p384-sha384', ec('P-384')],
  ['rsa-v1_5-sha256', rsa],
  ['rsa-pss-sha512', rsa],
  ['hmac-sha256', { privateKey: secret, publicKey: secret }],
]

describe('against http-message-signatures', () => {
  const HEADERS: HeaderFields = [
    ['Host', 'www.example.com'],
    ['Content-Type', 'application/json'],
    ['Content-Digest', contentDigestField(Buffer.from('{}'))],
    ['X-Several', 'one'],
    ['X-Several', 'two'],
  ]
  const COMPONENTS = [
    '@method',
    '@target-uri',
    '@authority',
    '@path',
    '@query',
    'content-type',
    'content-digest',
    'x-several',
  ]
  const theirRequest = (headers: HeaderFields) => {
    const record: Record<string, string | string[]> = {}
    for (const [name, value] of headers) {
      const before = record[name]
      record[name] = before === undefined ? value : [before, value].flat()
    }
    return { method: 'POST', url: `${ORIGIN}/path?param=value`, headers: record }
  }

  for (const [algorithm, { privateKey, publicKey }] of PAIRS) {
    test(`${algorithm}: they take what we sign, we take what they sign`, async () => {
      const key = new VerifyingKey(algorithm, publicKey)
      const now = Math.floor(Date.now() / 1000) * 1000
      const signed = signMessage(
        requestOf(HEADERS),
        'sig',
        signatureInput(COMPONENTS, {
          created: now,
          expires: now + 60_000,
          nonce: 'n',
          keyId: 'k',
          algorithm,
          tag: 't',
        }),
        algorithm,
        privateKey,
      )
      assert.ok(signed.ok)
      const verified = await httpbis.verifyMessage(
        {
          keyLookup: async (parameters) => {
            assert.equal(parameters.keyid, 'k')
            assert.equal(parameters.alg, algorithm)
            return {
              id: 'k',
              algs: [algorithm],
              verify: async (data, signature) => key.verify(data, signature),
            }
          },
        },
        theirRequest([...HEADERS, ...signed.fields]),
      )
      assert.equal(verified, true)

      const theirs = await httpbis.signMessage(
        {
          key: { id: 'k', alg: algorithm, sign: async (data) => signData(algorithm, privateKey, data) },
          fields: COMPONENTS,
          name: 'theirs',
          params: ['created', 'keyid', 'alg', 'nonce', 'tag'],
          paramValues: { nonce: 'a b"c', tag: 'x' },
        },
        theirRequest(HEADERS),
      )
      const fields = ['Signature-Input', 'Signature'].map(
        (name) => [name, String(theirs.headers[name])] as const,
      )
      const came = verifySignature(requestOf([...HEADERS, ...fields]), 'theirs', key)
      assert.ok(came.ok, JSON.stringify(came))
    })
  }

  test('the base is the same, whatever the fields and their order', () => {
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)
    const name = fc.constantFrom('content-type', 'accept', 'x-a', 'x-b', 'date')
    const headers = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 8 })
    const derived = fc.subarray([
      '@method',
      '@target-uri',
      '@authority',
      '@path',
      '@query',
      '@request-target',
      '@scheme',
    ])
    fc.assert(
      fc.property(headers, derived, fc.boolean(), (fields, others, backwards) => {
        const names = [...new Set(fields.map(([one]) => one)), ...others]
        if (backwards) names.reverse()
        const built = signatureBase(signatureInput(names, {}), requestOf(fields))
        assert.ok(built.ok)
        const theirs = httpbis.formatSignatureBase(
          httpbis.createSignatureBase({ fields: names.map((one) => `"${one}"`) }, theirRequest(fields)),
        )
        const ours = built.base.split('\n').slice(0, -1).join('\n')
        assert.equal(ours, theirs)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('reading signatures', () => {
  const key = new VerifyingKey('hmac-sha256', secret)
  const sign = (headers: HeaderFields = []) => {
    const signed = signMessage(
      requestOf(headers),
      'a',
      signatureInput(['@method'], { created: 1_000 }),
      'hmac-sha256',
      secret,
    )
    assert.ok(signed.ok)
    return signed.fields
  }

  test('several signatures are told apart by their labels', () => {
    const [[, input], [, signature]] = sign()
    const headers: HeaderFields = [
      ['Signature-Input', 'b=("@path");created=2'],
      ['signature-input', input],
      ['Signature', `b=:${Buffer.alloc(32).toString('base64')}:, ${signature}`],
    ]
    const read = readSignatures(requestOf(headers))
    assert.ok(read.ok)
    assert.deepEqual(
      read.signatures.map(({ label }) => label),
      ['b', 'a'],
    )
    assert.ok(verifySignature(requestOf(headers), 'a', key).ok)
    const other = verifySignature(requestOf(headers), 'b', key)
    assert.ok(!other.ok && other.fault === 'bad_signature')
    assert.deepEqual(verifySignature(requestOf(headers), 'c', key), { ok: false, fault: 'missing' })
  })

  test('an algorithm that a signature names must be that of the key', () => {
    const named = (algorithm: string) => {
      const input = signatureInput(['@method'], { created: 0, algorithm: algorithm as SignatureAlgorithm })
      const result = signMessage(requestOf([]), 'a', input, 'hmac-sha256', secret)
      assert.ok(result.ok)
      return verifySignature(requestOf(result.fields), 'a', key)
    }
    assert.ok(named('hmac-sha256').ok)
    for (const other of ['ed25519', 'rsa-pss-sha512', 'none', '']) {
      const came = named(other)
      assert.ok(!came.ok && came.fault === 'wrong_algorithm', other)
    }
  })

  test('a parameter of the wrong kind makes a signature malformed, signed or not', () => {
    const fault = (parameters: string) => {
      const result = signMessage(
        requestOf([]),
        'a',
        inputOf(`("@method")${parameters}`),
        'hmac-sha256',
        secret,
      )
      assert.ok(result.ok)
      const came = verifySignature(requestOf(result.fields), 'a', key)
      return came.ok ? 'ok' : came.fault
    }
    assert.equal(fault(';created=1;expires=2;nonce="n";alg="hmac-sha256";keyid="k";tag="t";mine=tok'), 'ok')
    for (const wrong of [
      'created="1"',
      'created=1.0',
      'created',
      'expires=@2',
      'nonce=1',
      'alg=hmac-sha256',
      'keyid=k',
      'tag=:AA==:',
    ])
      assert.equal(fault(`;${wrong}`), 'malformed', wrong)
  })

  test('one field without the other is missing; unreadable or ambiguous ones are malformed', () => {
    const [input, signature] = sign()
    const fault = (...headers: HeaderFields) => {
      const read = readSignatures(requestOf(headers))
      return read.ok ? 'ok' : read.fault
    }
    assert.equal(fault(input, signature), 'ok')
    assert.equal(fault(input), 'missing')
    assert.equal(fault(signature), 'missing')
    assert.equal(fault(), 'missing')
    assert.equal(fault(input, input, signature), 'malformed')
    assert.equal(fault(input, signature, signature), 'malformed')
    assert.equal(fault(['Signature-Input', 'a=1'], signature), 'malformed')
    assert.equal(fault(['Signature-Input', 'a'], signature), 'malformed')
    assert.equal(fault(['Signature-Input', 'a=('], signature), 'malformed')
    assert.equal(fault(input, ['Signature', 'a="text"']), 'malformed')
    assert.equal(fault(input, ['Signature', 'a=(:AA==:)']), 'malformed')
    assert.equal(fault(input, ['Signature', 'a=:AB==:']), 'malformed')
  })

  test('the parameters are signed too', () => {
    const [[, input], signature] = sign()
    for (const changed of [`${input};a`, input.replace('=1', '=2'), input.replace('@method', '@path')]) {
      const came = verifySignature(requestOf([['Signature-Input', changed], signature]), 'a', key)
      assert.ok(!came.ok && came.fault === 'bad_signature', changed)
    }
  })

  test('times are signed in whole seconds', () => {
    const [[, input]] = sign()
    assert.equal(input, 'a=("@method");created=1')
    const built = signatureBase(signatureInput([], { created: 1_999 }), requestOf([]))
    assert.ok(built.ok)
    assert.equal(built.base, '"@signature-params": ();created=1')
    assert.equal(
      sign()[1][1],
      `a=:${createHmac('sha256', secret).update('"@method": POST\n"@signature-params": ("@method");created=1').digest('base64')}:`,
    )
  })
})

describe('Content-Digest', () => {
  const body = Buffer.from('{"hello": "world"}')
  // The two of RFC 9530 and RFC 9421 for this body.
  const sha256 = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
  const sha512 =
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
  const matches = (field: string, content = body) => {
    const claimed = parseContentDigest(field)
    return claimed && digestMatches(claimed, contentOf(content))
  }

  test('sha-256, sha-512 or both must be right; others do not count', () => {
    assert.equal(contentDigestField(body), sha256)
    for (const field of [sha256, sha512, `${sha256}, ${sha512}`, `md5=:AAAA:, ${sha256}`])
      assert.equal(matches(field), true, field)
    for (const field of [
      '',
      'md5=:AAAA:',
      'sha-256=::',
      sha256.replace('X', 'Y'),
      `${sha256}, ${sha512.replace('W', 'X')}`,
      `${sha512}, ${sha256.replace('X', 'Y')}`,
      sha256.replace('sha-256', 'sha-512'),
    ]) {
      assert.equal(matches(field), false, field)
    }
    assert.equal(matches(sha256, Buffer.concat([body, Buffer.from('\n')])), false)
    assert.equal(matches(sha256, Buffer.alloc(0)), false)
  })

  test('what is no dictionary of bytes can not be read', () => {
    for (const field of [
      'sha-256',
      'sha-256="x"',
      'sha-256=(:AAAA:)',
      'sha-256=:A:',
      '=',
      'sha-256=:AAAA:,',
    ]) {
      assert.equal(matches(field), undefined, field)
    }
  })
})
