/** The TLS options of every request of ours, to servers and to proxies. Said, because Node takes its default from the environment. */
export const TLS_OPTIONS = { rejectUnauthorized: true } as const
