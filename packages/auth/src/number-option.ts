import { AuthError } from './auth-error.js';

/** A day, in milliseconds. */
export const DAY_MS = 86_400_000;

/** What a number may be. */
export type NumberRange = { readonly min: number; readonly max: number };

export function isWholeNumber(value: number, { min, max }: NumberRange): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** @throws {AuthError} `KM_AUTH_INVALID_OPTION` unless `value`, given as the option `name`, is a whole number in `range`. */
export function expectNumber(name: string, value: number, range: NumberRange): number {
  if (isWholeNumber(value, range)) return value;
  const unit = name.endsWith('Ms') ? ' of milliseconds' : '';
  throw new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `${name} is ${String(value)}: it must be a whole number${unit} from ${String(range.min)} to ${String(range.max)}`,
  );
}

/**
 * Each option as given, or its default.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` unless all are whole numbers in their ranges.
 */
export function expectNumbers<Name extends string>(
  ranges: Readonly<Record<Name, NumberRange>>,
  defaults: Readonly<Record<Name, number>>,
  given: Readonly<Partial<Record<Name, number | undefined>>>,
): Readonly<Record<Name, number>> {
  const names = Object.keys(ranges) as Name[];
  return Object.fromEntries(
    names.map((name) => [name, expectNumber(name, given[name] ?? defaults[name], ranges[name])]),
  ) as Record<Name, number>;
}
