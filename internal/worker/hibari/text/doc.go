// Package text turns English sentences into phonemes: normalising, splitting into tokens, part-of-speech tags, a lexicon with
// rules for stress, inflection and numbers, and a reader handed in for words that no rule knows.
//
// The phonemes are misaki's: IPA with one letter for each diphthong and ˈ ˌ for stress. The tables are those of hibari-tts 0.2.1,
// and the aim is the same phonemes as its Python gives, so that the network hears what it was trained on; a test holds the
// package against two thousand of its readings. Where this differs from good English, the remedy belongs in front of it.
package text
