/** For `node --require`: a file system that has no locks, like some that are mounted over a network. */
const Module = require('node:module')

const load = Module._load
Module._load = (name, ...rest) => {
  const loaded = load(name, ...rest)
  if (!name.startsWith('fs-native-extensions')) return loaded
  const tryLock = () => {
    throw Object.assign(new Error('no locks available'), { code: 'ENOLCK' })
  }
  return { ...loaded, tryLock }
}
