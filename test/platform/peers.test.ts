/** Whose request it is, by the tables of the kernel as they could be. */
import { endianness } from 'node:os'
import { expect, test } from 'vitest'
import { findStranger, listTrustedUids } from '../../src/platform/peers.ts'

const own = { address: '127.0.0.1', port: 0x1f90 }
const peer = { address: '127.0.0.1', port: 0xc350 }
const [LISTENER, OURS] = ['0100007F:1F90 00000000:0000 0A', '0100007F:1F90 0100007F:C350 01']
const THEIRS = '0100007F:C350 0100007F:1F90'
const MAPPED = '0000000000000000FFFF00000100007F'
const ONE = '00000000000000000000000001000000'

const row = (columns: string, uid = 0, inode = 77) =>
  `   3: ${columns} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 20 4 30 10 -1`
const table = (...rows: string[]) => ['  sl  local_address rem_address   st', ...rows, ''].join('\n')

const judge = (rows: string[], ends: Parameters<typeof findStranger>[0] = { own, peer }) =>
  findStranger(ends, { readRows: () => table(...rows), uids: new Set([0, 1000]) })

const all = [row(LISTENER, 1000), row(OURS, 1000)]
const CLOSED = 'a program that closed its connection at once'
const OTHER = 'another user of this machine (uid 1001)'

test
  .skipIf(endianness() === 'BE')
  .each<[title: string, rows: string[], expected: string | undefined]>([
    ['of ours', [...all, row(`${THEIRS} 01`, 1000)], undefined],
    ['of root', [...all, row(`${THEIRS} 01`, 0)], undefined],
    ['of another user', [...all, row(`${THEIRS} 01`, 1001)], OTHER],
    ['of an IPv6 socket that speaks IPv4', [...all, row(`${MAPPED}:C350 ${MAPPED}:1F90 01`, 1001)], OTHER],
    ['of nobody, with an inode of 0', [...all, row(`${THEIRS} 01`, 0, 0)], CLOSED],
    ...['04', '05', '06', '08'].map((state): [string, string[], string] => [
      `closing, in state ${state}`,
      [...all, row(`${THEIRS} ${state}`, 0)],
      CLOSED,
    ]),
    ['no row, ours is there', all, CLOSED],
    ['no row, ours is about to close', [row(OURS.replace(/01$/, '08'), 1000)], CLOSED],
    ['no row, and ours is gone: it was reset', [row(LISTENER, 1000)], CLOSED],
    ['from another address of this machine', [...all, row('0200007F:C350 0100007F:1F90 01', 1000)], CLOSED],
    ['to another port of ours', [...all, row('0100007F:C350 0100007F:1F91 01', 1000)], CLOSED],
    ['no row of ours at all', [row('0100007F:1F91 00000000:0000 0A')], undefined],
    ['an empty table', [], undefined],
  ])('%s', (_, rows, expected) => {
  expect(judge(rows)).toBe(expected)
})

test.skipIf(endianness() === 'BE').each([
  ['::1', ONE],
  ['fe80::a%eth0', '000080FE00000000000000000A000000'],
  ['2001:db8:1:2:3:4:5:6', 'B80D0120020001000400030006000500'],
])('by IPv6: %s', (address, hex) => {
  const ends = { own: { address: '::1', port: 0x1f90 }, peer: { address, port: 0xc350 } }
  const theirs = `${hex}:C350 ${ONE}:1F90 01`
  expect(judge([row(theirs, 1000)], ends)).toBeUndefined()
  expect(judge([row(theirs, 1001)], ends)).toBe(OTHER)
  expect(judge([row(`${ONE}:1F90 ${hex}:C350 08`, 1000)], ends)).toBe(CLOSED)
})

test('a row that was skipped is found when the tables are read again', () => {
  const reads = [table(...all), table(...all, row(`${THEIRS} 01`, 1000))]
  expect(
    findStranger({ own, peer }, { readRows: () => reads.shift()!, uids: new Set([1000]) }),
  ).toBeUndefined()
})

test('a connection that the system does not know any more is refused', () => {
  expect(judge(all, { own, peer: undefined })).toBe(CLOSED)
})

test('the caller of sudo and pkexec is trusted, and no other word of the environment', () => {
  const others = (env: Record<string, string>) =>
    [...listTrustedUids(env)].filter((uid) => uid !== process.geteuid?.())
  expect(others({ SUDO_UID: '1000', PKEXEC_UID: '1001' })).toEqual(expect.arrayContaining([1000, 1001]))
  expect(others({ SUDO_UID: '', PKEXEC_UID: 'x1', SUDO_USER: '1002' }).filter((uid) => uid !== 0)).toEqual([])
})
