/** The lengths of the card numbers that begin like this. Order numbers and times of the same length begin otherwise. */
const schemes: readonly { readonly begin: RegExp; readonly lengths: readonly number[] }[] = [
  { begin: /^4/, lengths: [13, 16, 19] }, // Visa
  { begin: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] }, // Mastercard
  { begin: /^3[47]/, lengths: [15] }, // American Express
  { begin: /^(6011|64[4-9]|65)/, lengths: [16, 19] }, // Discover
  { begin: /^62/, lengths: [16, 17, 18, 19] }, // UnionPay
  { begin: /^35(2[89]|[3-8])/, lengths: [16] }, // JCB
  { begin: /^(36|38|39|30[0-5])/, lengths: [14] }, // Diners Club
];
const digitsMin = 13;
const digitsMax = 19;

/** Groups of digits, with a space or a dash of any kind between two of them. */
const groupsOfDigits = /(?<!\d)\d+(?:[\s\p{Pd}]\d+)*(?!\d)/gu;

/** True when a text contains what is most likely the number of a payment card: by its beginning, its length and its check digit. */
export function hasCardNumber(text: string): boolean {
  if (text.length < digitsMin) return false;
  // Full-width digits are digits as well.
  for (const [found] of text.normalize('NFKC').matchAll(groupsOfDigits)) {
    const groups = found.split(/\D/u);
    for (let first = 0; first < groups.length; first += 1) if (beginsWithCardNumber(groups, first)) return true;
  }
  return false;
}

function beginsWithCardNumber(groups: readonly string[], first: number): boolean {
  let digits = '';
  for (let at = first; at < groups.length; at += 1) {
    digits += groups[at] ?? '';
    if (digits.length > digitsMax) return false;
    if (isCardNumber(digits)) return true;
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  if (digits.length < digitsMin) return false;
  const scheme = schemes.find(({ begin }) => begin.test(digits));
  return scheme?.lengths.includes(digits.length) === true && hasCheckDigit(digits);
}

/** The formula of Luhn: every second digit from the right counts twice, with the digits of its double added up. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const double = digit * 2;
    sum += place % 2 === 0 ? digit : double > 9 ? double - 9 : double;
  }
  return sum % 10 === 0;
}
