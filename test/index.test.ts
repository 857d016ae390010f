/** What the library does by default, where the command line does otherwise. */
import { createDaypass } from 'daypass'
import { memoryVault } from 'daypass/vault'
import { expect, test } from 'vitest'

test('credentials of the environment are another program’s, until they are asked for', async () => {
  const env = { HOME: '/nowhere', DAYPASS_HOME: '/nowhere/daypass', GITHUB_TOKEN: 'ghp_of_the_person' }
  const own = { env, config: {}, vault: memoryVault(), cwd: '/' }
  for (const name of [undefined, 'github']) {
    await expect(createDaypass(own).credential(name)).rejects.toMatchObject({ name: 'DaypassError' })
    const asked = await createDaypass({ ...own, environment: true }).credential(name)
    expect(asked).toMatchObject({ kind: 'bearer' })
  }
})
