"""Files: bars and trades in the formats that exchanges and other programs write, and the catalogue of our own."""
