// Stands in for the host in tests: answers what a plugin asks, and remembers what it did.

export const host = { };
