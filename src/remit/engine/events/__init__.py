"""Steps of shared signals: the parties, and events made from entries."""
