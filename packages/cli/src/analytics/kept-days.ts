/** Days for which it is kept how tokens were obtained. */
export const KEPT_DAYS = 31;
