/**
 * A number as JSON has it. Without this, JSON would silently change the numbers that it cannot hold.
 *
 * @throws RangeError when its digits are lost already, or when it is not finite and must be
 */
function numeric<T>(value: unknown, isInteger: boolean, takesText: boolean): T {
  if (Array.isArray(value)) {
    return value.map((element) => numeric<unknown>(element, isInteger, takesText)) as T;
  }
  if (typeof value === "bigint") {
    return String(value) as T;
  }
  if (typeof value === "number" && isInteger && !Number.isSafeInteger(value)) {
    throw new RangeError(`${value} is not an integer that a number holds exactly`);
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    if (!takesText) {
      throw new RangeError(`JSON has no number ${value}`);
    }
    return String(value) as T;
  }
  return value as T;
}
