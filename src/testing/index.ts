/**
 * A strict authorization server that fails on request, a browser that needs no screen, a clock that a test moves and a
 * terminal with a scripted person: what daypass is tested with, for testing whatever is built on it. Nothing here is
 * for production.
 */
export { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts'
export { type ScriptedBrowser, type ScriptedBrowserOptions, scriptedBrowser, type Visit } from './browser.ts'
export { type TestClock, type TestClockOptions, testClock } from './clock.ts'
export type {
  AuthorizationServerOptions,
  DeviceOptions,
  Endpoint,
  Fault,
  OffSpec,
  RefreshRule,
  ServerEvent,
  Stats,
  TestClient,
  TestUser,
} from './options.ts'
export { type ScriptedTerminal, type ScriptedTerminalOptions, scriptedTerminal } from './terminal.ts'
