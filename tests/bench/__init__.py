"""How fast ScamSieve is on this machine; nothing here is a test. `make bench` runs it all."""
