/** Says to the `km auth token` that refreshes for another process that it does. */
export const IS_APART = 'KM_REFRESH_APART';
