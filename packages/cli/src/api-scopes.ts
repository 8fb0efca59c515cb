/** The scopes of the Kilometers API, whoever is logged in: what `km` does, monitors, loads plugins, and speaks for the account. */
export const API_SCOPES: readonly string[] = ['default', 'monitoring', 'plugins'];
