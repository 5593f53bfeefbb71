"""Apache Kafka for development and tests: started from its published Java artifacts, on this machine only."""
