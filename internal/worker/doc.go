// Package worker runs the native code of the local speech engines in child processes, so that a fault there costs an utterance and
// not the calls. The child (Main) serves the contracts of package speech and llm.Embedder over an inherited Unix socket; the
// parent's Supervisor starts the children, keeps one more than are used, replaces those that die, and offers the same contracts.
//
// Work is done in as many slots as there are cores: finals before partials, and stale partials are dropped (speech.ErrStale).
// Nothing is written to disk, and what callers say stays out of logs.
package worker
