export function Brand() {
  return (
    <span className="brand">
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" className="brand-ground" />
        <path
          d="M8 12c3 0 3-3 6.500-3s4 3 9.500 3M8 17c3 0 3-3 6.500-3s4 3 9.500 3M8 22c3 0 3-3 6.500-3s4 3 9.500 3"
          className="brand-lines"
        />
      </svg>
      Paystream
    </span>
  );
}
