"""How well Gakju finds and judges, on data with known answers.

datasets       files to typed rows: retrieval sets in BEIR layout, statements about a context, our own questions
metrics        one list of ranks or scores to one number
statistics     intervals, and whether two retrievers differ by more than chance
retrieval      a set, in a library of its own, through the same search that users have
answers        a set with known answers, asked as users ask; kept, so that a run goes on where it was
match          one answer against the known ones, as KorQuAD and SQuAD do it
answer_scores  all answers of a run against the known ones, and the refusal curve
grounded       the verifier on statements that their context supports or not
plot           results as a picture
page           a report as one HTML file
"""
