/** A drawing of a product of the demo shop; a plain parcel for every other product. */
export function Picture({ sku }: { readonly sku: string }) {
  const drawing = drawings[sku.replace(/-(en|zh)$/, '')] ?? drawings.parcel;
  return (
    <svg className="picture" viewBox="0 0 200 150" aria-hidden="true" focusable="false">
      {drawing}
    </svg>
  );
}

const drawings: Readonly<Record<string, React.ReactNode>> = {
  cup: (
    <>
      <ellipse className="p-shade" cx="98" cy="118" rx="58" ry="8" />
      <ellipse className="p-light" cx="98" cy="112" rx="52" ry="8" />
      <path className="p-main" d="M62 60h72c0 30-10 50-24 50H86c-14 0-24-20-24-50z" />
      <path className="p-line" d="M133 68c18-4 24 6 18 17-4 8-14 12-24 12" />
      <ellipse className="p-dark" cx="98" cy="60" rx="36" ry="8" />
      <ellipse className="p-coffee" cx="98" cy="61" rx="30" ry="5.500" />
      <path className="p-steam" d="M88 44c-6-8 6-12 0-20M106 44c-6-8 6-12 0-20" />
    </>
  ),
  beans: (
    <>
      <ellipse className="p-shade" cx="100" cy="126" rx="50" ry="7" />
      <path className="p-main" d="M64 42h72l6 78c0 4-3 6-6 6H64c-3 0-6-2-6-6z" />
      <path className="p-dark" d="M66 26h68l2 16H64z" />
      <rect className="p-light" x="76" y="62" width="48" height="44" rx="6" />
      <path className="p-coffee" d="M100 70c12 2 14 18 2 28-13-3-16-20-2-28z" />
      <path className="p-line-light" d="M101 71c-5 8 4 16 0 26" />
    </>
  ),
  dripper: (
    <>
      <ellipse className="p-shade" cx="100" cy="126" rx="46" ry="7" />
      <path className="p-glass" d="M72 84h56l10 32c1 6-3 10-9 10H71c-6 0-10-4-9-10z" />
      <path className="p-coffee" d="M67 104h66l4 12c1 5-3 8-8 8H71c-5 0-9-3-8-8z" />
      <path className="p-main" d="M58 30h84l-26 44H84z" />
      <path className="p-light" d="M66 30h68l-6 10H72z" />
      <rect className="p-dark" x="70" y="74" width="60" height="9" rx="4.500" />
      <path className="p-line" d="M140 40c14-2 18 8 12 15-4 5-11 7-20 7" />
    </>
  ),
  kettle: (
    <>
      <ellipse className="p-shade" cx="96" cy="126" rx="52" ry="7" />
      <path className="p-main" d="M72 54h50l16 66c1 4-2 6-5 6H61c-3 0-6-2-5-6z" />
      <path className="p-dark" d="M70 44h54v10H70z" />
      <circle className="p-dark" cx="97" cy="37" r="6" />
      <path className="p-line" d="M134 108c26 0 14-50 40-54" />
      <path className="p-line" d="M70 58c-34-6-34 48-10 46" />
      <path className="p-line-light" d="M80 66l-7 46" />
    </>
  ),
  grinder: (
    <>
      <ellipse className="p-shade" cx="100" cy="128" rx="40" ry="6" />
      <rect className="p-main" x="74" y="44" width="52" height="48" rx="6" />
      <rect className="p-dark" x="70" y="88" width="60" height="10" rx="5" />
      <path className="p-glass" d="M76 98h48v24c0 3-3 5-6 5H82c-3 0-6-2-6-5z" />
      <path className="p-coffee" d="M76 112c16-8 30 4 48-4v14c0 3-3 5-6 5H82c-3 0-6-2-6-5z" />
      <rect className="p-dark" x="80" y="34" width="40" height="10" rx="5" />
      <path className="p-line" d="M100 34V24h44" />
      <circle className="p-dark" cx="146" cy="24" r="9" />
      <path className="p-line-light" d="M84 54v28" />
    </>
  ),
  filters: (
    <>
      <ellipse className="p-shade" cx="100" cy="120" rx="58" ry="7" />
      <path className="p-light" d="M44 50c38-18 74-18 112 0l-40 64c-4 6-28 6-32 0z" />
      <path className="p-main" d="M52 56c34-12 62-12 96 0l-34 54c-4 5-24 5-28 0z" />
      <path className="p-light" d="M60 62c28-8 52-8 80 0l-29 44c-3 4-19 4-22 0z" />
      <path className="p-line" d="M100 58v48M82 60l12 46M118 60l-12 46" />
    </>
  ),
  parcel: (
    <>
      <ellipse className="p-shade" cx="100" cy="122" rx="56" ry="7" />
      <path className="p-main" d="M52 56l48-18 48 18v46l-48 20-48-20z" />
      <path className="p-dark" d="M100 74v48l48-20V56z" />
      <path className="p-light" d="M52 56l48-18 48 18-48 18z" />
    </>
  ),
};
