// Package archtest proves by parsing the files themselves that imports point down the floors and never sideways, save the pairs
// that its table names. It holds tests only.
package archtest
