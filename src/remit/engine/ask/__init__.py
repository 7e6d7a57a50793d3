"""Steps of one ask: standing, evaluation, act, outcome and reply."""
