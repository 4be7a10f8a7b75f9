"""Apache Kafka on this machine without Java, Docker or Maven: one broker or three, for development and tests.

``pins`` says which jars, ``jars`` fetches and checks them, ``java`` finds the runtime; ``plan`` and
``properties`` say what a node is, ``node`` runs one, ``cluster`` runs one or three. ``topics`` and ``acls``
prepare any cluster, this one or a region's own. ``python -m deploy.kafka`` is the command.
"""
