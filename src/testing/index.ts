/**
 * A strict authorization server that fails on request, a browser without a screen, a clock that a test moves,
 * and a terminal with a scripted person. daypass is tested with them, and code built on daypass can be too.
 * Not for production.
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
