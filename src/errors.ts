export {
  type Advice,
  DaypassError,
  type ErrorCode,
  EXIT,
  exitCode,
  type FormatCommand,
  formatCommand,
  isDaypassError,
} from './core/errors.ts'
