"""Questions to the decision point and their answers: pure rules."""
