"""Our texts: `remit.pot` lists what there is to say, `<language>.po` says it in another language. `make texts` brings them up to date."""
