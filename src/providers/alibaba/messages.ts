/** Questions and messages for Alibaba Cloud, in English and Simplified Chinese. */
export const alibabaMessages = {
  loginChoices: {
    ask: { en: 'How do you log in to Alibaba Cloud?', zh: '选择阿里云凭证类型' },
    options: [
      {
        label: { en: 'OAuth Login (Browser)', zh: 'OAuth 登录（浏览器）' },
        hint: { en: 'recommended', zh: '推荐' },
        method: 'browser',
      },
      { label: 'AccessKey', method: 'keys', form: 'plain' },
      { label: { en: 'STS Token', zh: 'STS Token（临时凭证）' }, method: 'keys', form: 'session' },
      { label: { en: 'RAM Role', zh: 'RAM 角色' }, method: 'keys', form: 'role' },
    ],
  },
  whichSite: { en: 'Which site does the account belong to?', zh: '选择账号所属站点' },
  sites: {
    cn: { en: 'China (aliyun.com)', zh: '中国站（aliyun.com）' },
    intl: { en: 'International (alibabacloud.com)', zh: '国际站（alibabacloud.com）' },
  },
  keys: {
    accessKeyId: { en: 'AccessKey ID:', zh: 'AccessKey ID：' },
    secretAccessKey: { en: 'AccessKey Secret (not shown):', zh: 'AccessKey Secret（不显示）：' },
    sessionToken: { en: 'STS Token (not shown):', zh: 'STS Token（不显示）：' },
    expiration: {
      en: 'When it ends, like 2026-01-02T03:04:05Z (Enter: not known):',
      zh: '过期时间，如 2026-01-02T03:04:05Z（未知请按 Enter）：',
    },
    roleArn: { en: 'ARN of the RAM role:', zh: 'RAM 角色 ARN：' },
    sessionName: { en: 'Name of the session:', zh: '角色会话名称：' },
  },
  over: { en: 'the login is over', zh: '登录已失效' },
  notAssigned: { en: 'this identity may not use the application', zh: '当前身份不允许访问该应用' },
  owner: {
    en: "this is the account's owner, who may do everything: better to log in as a RAM user or role",
    zh: '当前为主账号，拥有全部权限：建议使用 RAM 用户或 RAM 角色登录',
  },
} as const
