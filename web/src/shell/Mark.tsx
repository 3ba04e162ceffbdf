/** The product's mark: two frames, joined. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#08775b" />
      <path d="M6 10.5A2.5 2.5 0 0 1 8.5 8H15v16H8.5A2.5 2.5 0 0 1 6 21.5z" fill="#fff" />
      <path
        d="M17 8h6.5a2.5 2.5 0 0 1 2.500 2.500v11a2.500 2.500 0 0 1-2.500 2.500H17z"
        fill="#fff"
        fillOpacity=".45"
      />
      <path d="M9.500 12.500l4 3.500-4 3.500z" fill="#08775b" />
    </svg>
  );
}
