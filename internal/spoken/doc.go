// Package spoken turns written English into what people say, and cuts streamed text into clauses that can be said one by one.
//
// Words writes out prices, clock times, dates, ranges, telephone numbers, addresses, e-mail addresses, spelled names and
// abbreviations, so that any synthesizer reads them well. Splitter decides where a stream of text may be cut without
// tearing a number, an abbreviation or an e-mail address apart. The package is pure: text in, text out.
package spoken
