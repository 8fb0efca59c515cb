/** What can go wrong while the embedded API is set up. Wire errors are answers, not exceptions. */
export type LocalApiErrorCode =
  | 'KM_LOCAL_API_BAD_OPTION'
  | 'KM_LOCAL_API_BAD_TROUBLE'
  | 'KM_LOCAL_API_CANNOT_LISTEN'
  | 'KM_LOCAL_API_PORT_IN_USE'
  | 'KM_LOCAL_API_STORE_UNAVAILABLE';

/** An error of the embedded API, told apart by `code`. */
export class LocalApiError extends Error {
  /** What went wrong, for programs. */
  readonly code: LocalApiErrorCode;

  constructor(code: LocalApiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalApiError';
    this.code = code;
  }
}
