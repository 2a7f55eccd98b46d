/** Icons drawn for Cunda: one stroke, 16 units, no font and no sprite file. */

import type { ReactNode } from "react";

function Icon({ children, className = "icon" }: { children: ReactNode; className?: string }) {
  return (
    <svg
      className={className}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const ChevronLeft = () => <Icon><path d="M10 3 5 8l5 5" /></Icon>;
export const ChevronRight = () => <Icon><path d="m6 3 5 5-5 5" /></Icon>;
export const ChevronDown = () => <Icon><path d="m3 6 5 5 5-5" /></Icon>;
export const ChevronUp = () => <Icon><path d="m3 10 5-5 5 5" /></Icon>;
export const Close = () => <Icon><path d="m4 4 8 8m0-8-8 8" /></Icon>;
export const Search = () => <Icon><circle cx="7" cy="7" r="4.2" /><path d="m10.2 10.2 3.3 3.3" /></Icon>;
export const Warning = () => <Icon><path d="M8 2.5 14.3 13H1.7z" /><path d="M8 6.6v3M8 11.4v.01" /></Icon>;
export const Late = () => <Icon><circle cx="8" cy="8" r="5.7" /><path d="M8 4.8V8l2.2 1.4" /></Icon>;
export const Check = () => <Icon><path d="m3 8.5 3.3 3.3L13 5" /></Icon>;
export const Cross = () => <Icon><path d="m4 4 8 8m0-8-8 8" /></Icon>;
export const Parcel = () => <Icon><path d="M2.3 5 8 2.3 13.7 5v6L8 13.7 2.3 11z" /><path d="M2.3 5 8 7.7 13.7 5M8 7.7v6" /></Icon>;
export const Collect = () => <Icon><path d="M8 2.2v7.2M4.8 6.4 8 9.6l3.2-3.2" /><path d="M2.5 11v2.5h11V11" /></Icon>;
export const Signal = () => <Icon><path d="M3 12.5v-2M6.5 12.5v-4.5M10 12.5V5.5M13.5 12.5V3" /></Icon>;
export const NoSignal = () => <Icon><path d="M3 12.5v-2M6.5 12.5V9M2 2l12 12M10 5.5v.8M13.5 3v7" /></Icon>;
export const Route = () => (
  <Icon><circle cx="4" cy="12" r="1.8" /><circle cx="12" cy="4" r="1.8" /><path d="M5.8 12H10a2 2 0 0 0 0-4H6a2 2 0 0 1 0-4h4.2" /></Icon>
);
export const Kiosk = () => <Icon><rect x="3.5" y="2" width="9" height="12" rx="1.2" /><path d="M6 5h4M6 8h4M8 11v.01" /></Icon>;
export const List = () => <Icon><path d="M6 4h7.5M6 8h7.5M6 12h7.5M2.8 4h.01M2.8 8h.01M2.8 12h.01" /></Icon>;
export const MapSheet = () => <Icon><path d="m2.3 4.2 3.8-1.7 3.8 1.7 3.8-1.7v9.3l-3.8 1.7-3.8-1.7-3.8 1.7z" /><path d="M6.1 2.5v9.3M9.9 4.2v9.3" /></Icon>;
export const LogOut = () => <Icon><path d="M6.5 2.5h-3v11h3M10 5l3 3-3 3M13 8H6.5" /></Icon>;
export const Refresh = () => <Icon><path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.6h-2.6" /></Icon>;

/** The mark: a road that climbs out of a valley to a village. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7.5" fill="#0b6b4f" />
      <path d="M3.5 22.5 11 12l4.6 6.2L20 12.6l8.5 9.9" fill="none" stroke="#9fd1bb" strokeWidth="2" strokeLinejoin="round" strokeLinecap="round" />
      <path d="M6 27c7.5.2 4.2-5.4 10-5.6 5.3-.2 2.6 4.4 10 3.6" fill="none" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" />
      <circle cx="20" cy="8.2" r="2.4" fill="#f2c14e" />
    </svg>
  );
}
