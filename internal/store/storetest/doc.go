// Package storetest is the suite that every store.Store and store.Blobs passes. It knows no engine; each implementation's test opens
// one and hands it in.
package storetest
