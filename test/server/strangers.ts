/** Whoever may not ask, and what they are told: the headers of a request, of `ours` (Authorization) and the address. */
export const STRANGERS: [who: string, status: number, headers: (ours: string, host: string) => string[]][] = [
  ['no bearer', 401, (_, host) => [`Host: ${host}`]],
  ['an empty one', 401, (_, host) => [`Host: ${host}`, 'Authorization: ']],
  ['another one', 401, (_, host) => [`Host: ${host}`, `Authorization: ${'x'.repeat(43)}`]],
  [
    'another one, as RFC 6750 says',
    401,
    (_, host) => [`Host: ${host}`, `Authorization: Bearer ${'x'.repeat(43)}`],
  ],
  ['almost ours', 401, (ours, host) => [`Host: ${host}`, `Authorization: ${ours.slice(0, -1)}`]],
  ['no host', 421, (ours) => [`Authorization: ${ours}`]],
  ['a foreign host', 421, (ours) => ['Host: evil.example', `Authorization: ${ours}`]],
  [
    'a name of this machine',
    421,
    (ours, host) => [`Host: ${host.replace('127.0.0.1', 'localhost')}`, `Authorization: ${ours}`],
  ],
  ['two hosts', 421, (ours, host) => [`Host: ${host}`, `Host: ${host}`, `Authorization: ${ours}`]],
  ['a page', 403, (ours, host) => [`Host: ${host}`, `Authorization: ${ours}`, 'Origin: null']],
  ...['same-origin', 'none'].map((site): (typeof STRANGERS)[number] => [
    `what a browser fetches (${site})`,
    403,
    (ours, host) => [`Host: ${host}`, `Authorization: ${ours}`, `Sec-Fetch-Site: ${site}`],
  ]),
]
