import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/vault/store.ts'
import { failure } from './support.ts'

/** `patience` is how long `exclusive` waits before it gives up, in milliseconds. */
export type MakeStore = (patience?: number) => { store: Store; done: () => void }

async function put(store: Store, name: string, text: string): Promise<void> {
  await (await store.reserve(name, text.length)).write(text)
}

/** What every store must do, whoever writes it. */
export function storeContract(kind: string, make: MakeStore): void {
  const withStore = (work: (store: Store) => Promise<void>, patience?: number) => async () => {
    const { store, done } = make(patience)
    await work(store).finally(done)
  }

  describe(`${kind}: the contract of a store`, () => {
    test(
      'nothing is undefined, and an empty store has no names',
      withStore(async (store) => {
        expect(await store.get('work')).toBeUndefined()
        expect(await store.names()).toEqual([])
        expect(await store.delete('work')).toBe(false)
      }),
    )

    test(
      'what was written comes back, and the last one wins',
      withStore(async (store) => {
        await put(store, 'work', 'first, and rather longer than the second')
        await put(store, 'work', 'second ✓\n')
        expect(await store.get('work')).toBe('second ✓\n')
      }),
    )

    test(
      'names that differ by case are two; names come sorted, reserved ones too',
      withStore(async (store) => {
        for (const name of ['b', 'Work', 'work', '__login-1', 'a@b.c']) await put(store, name, name)
        expect(await store.names()).toEqual(['Work', '__login-1', 'a@b.c', 'b', 'work'])
        for (const name of await store.names()) expect(await store.get(name)).toBe(name)
      }),
    )

    test(
      'reserved room is no record, and a released one leaves nothing',
      withStore(async (store) => {
        await put(store, 'work', 'kept')
        const slot = await store.reserve('work', 10_000)
        const other = await store.reserve('other', 10_000)
        expect(await store.names()).toEqual(['work'])
        await slot.release()
        await other.release()
        expect(await store.unfinished('work')).toEqual([])
        expect(await store.get('work')).toBe('kept')
        expect(await store.names()).toEqual(['work'])
      }),
    )

    test(
      'a text may be longer or shorter than its room, and release after write is harmless',
      withStore(async (store) => {
        for (const length of [0, 1, 99, 100, 101, 50_000]) {
          const slot = await store.reserve('work', 100)
          await slot.write('x'.repeat(length))
          await slot.release()
          expect(await store.get('work')).toBe('x'.repeat(length))
        }
      }),
    )

    test(
      'deleted is gone',
      withStore(async (store) => {
        await put(store, 'work', 'kept')
        expect(await store.delete('work')).toBe(true)
        expect(await store.get('work')).toBeUndefined()
        expect(await store.delete('work')).toBe(false)
      }),
    )

    test(
      'what is set aside is out of the way, and there must be something',
      withStore(async (store) => {
        await put(store, 'work', 'unreadable')
        expect(await store.quarantine('work')).not.toBe('')
        expect(await store.get('work')).toBeUndefined()
        expect(await store.names()).toEqual([])
        await failure(() => store.quarantine('work'), 'not_found')
      }),
    )

    test(
      'exclusive serialises one name, and not two',
      withStore(async (store) => {
        let inside = 0
        let most = 0
        const work = async () => {
          most = Math.max(most, ++inside)
          await new Promise((resolve) => setTimeout(resolve, 3))
          inside--
        }
        await Promise.all(Array.from({ length: 8 }, () => store.exclusive('work', 'test', work)))
        expect(most).toBe(1)
        await store.exclusive('one', 'test', () => store.exclusive('two', 'test', work))
      }),
    )

    test(
      'exclusive gives the answer, passes the failure on, and is free after either',
      withStore(async (store) => {
        expect(await store.exclusive('work', 'test', async () => 42)).toBe(42)
        const failing = store.exclusive('work', 'test', () => Promise.reject(new Error('mine')))
        await expect(failing).rejects.toThrow('mine')
        expect(await store.exclusive('work', 'test', async () => 43)).toBe(43)
      }),
    )

    test(
      'waiting is bounded, and the error says what the holder is doing',
      withStore(async (store) => {
        const held = await store.exclusive('work', 'refresh', () =>
          failure(() => store.exclusive('work', 'login', async () => 1), 'lock'),
        )
        expect(held.message).toContain('refresh')
        expect(held.retryable).toBe(true)
        expect(await store.exclusive('work', 'login', async () => 2)).toBe(2)
      }, 60),
    )
  })
}
