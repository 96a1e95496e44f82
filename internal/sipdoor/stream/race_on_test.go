//go:build race

package stream

// raceDetector empties the pools of the standard library's ciphers at random, so that allocations cannot be counted under it.
const raceDetector = true
