"""Pure text: normal forms, sentences, morphemes. No models but Kiwi, no files, no network."""
