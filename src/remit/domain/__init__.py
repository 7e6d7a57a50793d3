"""Pure rules over frozen values: no input or output, clock, randomness, logging or `async`; standard library only."""
