"""Order books rebuilt from the exchanges' own streams: parsers, sequences, books, recordings. No sockets."""
