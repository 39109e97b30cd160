// Whether a text is a Kubernetes label selector, so that a mistake is found at start and not as a watch that the API
// server refuses for ever. Used by config only; the API server evaluates the selector.

const name = String.raw`(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?`;
const value = String.raw`(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?`;

/** The forms of one requirement, as the Kubernetes documentation lists them ("Labels and Selectors"). */
const requirements: readonly RegExp[] = [
  new RegExp(`^!?\\s*${name}$`),
  new RegExp(`^${name}\\s*(?:=|==|!=)\\s*${value}$`),
  new RegExp(`^${name}\\s+(?:in|notin)\\s*\\(\\s*${value}\\s*(?:,\\s*${value}\\s*)*\\)$`),
];

/** True for a selector that the API server understands; an empty one selects everything. */
export function isLabelSelector(text: string): boolean {
  if (text.trim() === '') return true;
  // Commas separate requirements, but for those inside the parentheses of a set.
  const parts = text.split(/,(?![^(]*\))/);
  return parts.every((part) => requirements.some((form) => form.test(part.trim())));
}
