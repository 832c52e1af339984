/**
 * Grounds of the lab, best first.
 * @module
 */

export const GROUND_NAMES = ['vm', 'host', 'sim'] as const
export type GroundName = (typeof GROUND_NAMES)[number]
