// Package events holds webhooks to their promise, with real rooms, database, queue and HTTP: every event of every call arrives, in order,
// whatever is killed when.
package events
