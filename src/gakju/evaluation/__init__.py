"""How well Gakju finds and judges, on data with known answers.

datasets    files to typed rows: retrieval sets in BEIR layout, statements about a context, our own questions
metrics     one list of ranks or scores to one number
statistics  intervals, and whether two retrievers differ by more than chance
retrieval   a set, in a library of its own, through the same search that users have
grounded    the verifier on statements that their context supports or not
plot        retrieval results as a picture
"""
