import type { LocalizedText } from '../../core/localized-text.ts'

/** The two sites of Alibaba Cloud: accounts, applications and consoles of one do not exist in the other. */
interface Site {
  signin: string
  oauth: string
  sts: string
  ram: string
  /** The application `official-cli`, a public client that anyone may use. */
  client: string
  region: string
}

const SITES = {
  cn: {
    signin: 'https://signin.aliyun.com',
    oauth: 'https://oauth.aliyun.com',
    sts: 'https://sts.aliyuncs.com',
    ram: 'https://ram.console.aliyun.com',
    client: '4038181954557748008',
    region: 'cn-hangzhou',
  },
  intl: {
    signin: 'https://signin.alibabacloud.com',
    oauth: 'https://oauth.alibabacloud.com',
    sts: 'https://sts.ap-southeast-1.aliyuncs.com',
    ram: 'https://ram.console.alibabacloud.com',
    client: '4103531455503354461',
    region: 'ap-southeast-1',
  },
} as const satisfies Record<string, Site>

export const SITE_NAMES = Object.keys(SITES) as (keyof typeof SITES)[]

export const resolveSite = ({ site }: Readonly<Record<string, string | undefined>>): Site =>
  SITES[site === 'intl' ? 'intl' : 'cn']

/** The page where an administrator assigns users to the application. */
const buildAssignmentsUrl = ({ ram, client }: Site) =>
  `${ram}/applications/${client}?appType=ThirdPartyApp&activeTab=Assignments`

/** On refusal the page never redirects, so the remedy is printed here. */
export const buildAccessHelp = (site: Site): Record<'waiting' | 'late' | 'denied', LocalizedText> => ({
  waiting: {
    en: `Does the page say that you may not access the application? An administrator of the account has to assign official-cli
to this very RAM user or role (groups do not count; the account's owner needs no assignment):
${buildAssignmentsUrl(site)}
Only the browser shows that; nothing comes back here.`,
    zh: `如果页面提示“账号未允许当前身份访问该应用”，请联系账号管理员，将 official-cli 分配给当前 RAM 用户或 RAM 角色
（不支持用户组；主账号无需分配）：
${buildAssignmentsUrl(site)}
该错误只显示在浏览器中，这里收不到任何结果。`,
  },
  late: {
    en: `log in again, with --timeout 15m for more time
where the page refused you: an administrator has to assign official-cli to this very RAM user or role: ${buildAssignmentsUrl(site)}`,
    zh: `请重新登录，可用 --timeout 15m 延长等待时间
如果页面拒绝访问：请管理员将 official-cli 分配给当前 RAM 用户或 RAM 角色：${buildAssignmentsUrl(site)}`,
  },
  denied: {
    en: `an administrator has to assign official-cli to this very RAM user or role: ${buildAssignmentsUrl(site)}`,
    zh: `请管理员将 official-cli 分配给当前 RAM 用户或 RAM 角色：${buildAssignmentsUrl(site)}`,
  },
})
